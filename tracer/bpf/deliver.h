/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Delivering what emit.h has put together: into the ring buffer, and only once for each key, which
 * is counted from then on.
 */
#pragma once

#include "emit.h"

/* ---- the ring -------------------------------------------------------------------------------- */

enum { BRAKE_STEPS = 1 << 20, BRAKE_LOOK = 64 };

struct braking {
    u64 until;
    u64 enough; /* so little in the ring that there is no need to wait on */
};

static long brake_step(u32 index, struct braking *braking)
{
    if (index % BRAKE_LOOK == 0 && bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) < braking->enough)
        return 1;
    return bpf_ktime_get_ns() >= braking->until;
}

/* Since when the recorder has taken nothing, and where it is in the ring. Races lose a little time.
 */
u64 stalled_since;
u64 stalled_at;
enum { STALLED_NS = 2000 * 1000 * 1000 };

/*
 * Where new facts come faster than the recorder takes them, whoever makes them is slowed down
 * instead of losing them: a little at first, and the more the less room there is, for the recorder
 * may be waiting for a disk. One that does not come back is not waited for.
 */
static __always_inline void brake(void)
{
    const u64 used = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);
    u64 wait_ns = 50 * 1000;

    if (used <= RING_SIZE / 4 * 3)
        return;
    const u64 now = bpf_ktime_get_ns();
    const u64 at = bpf_ringbuf_query(&events, BPF_RB_CONS_POS);
    if (at != stalled_at) {
        stalled_at = at;
        stalled_since = now;
    } else if (now - stalled_since > STALLED_NS) {
        return;
    }
    if (used > RING_SIZE / 16 * 15)
        wait_ns = 10 * 1000 * 1000;
    else if (used > RING_SIZE / 8 * 7)
        wait_ns = 1000 * 1000;
    struct braking braking = {.until = now + wait_ns, .enough = RING_SIZE / 2};
    bpf_loop(BRAKE_STEPS, brake_step, &braking, 0);
}

/* 0 if the event in the scratch was put into the ring. */
__noinline int event_send(u64 key)
{
    struct scratch *scratch = scratch_get();

    if (!scratch)
        return -1;
    struct event *event = (struct event *)scratch->event;
    u32 size = scratch->used;
    if (size > EVENT_SIZE_MAX)
        size = EVENT_SIZE_MAX;
    if (size < sizeof *event)
        size = sizeof *event;
    event->size = size;
    event->key = key;
    brake();
    return bpf_ringbuf_output(&events, event, size, 0) == 0 ? 0 : -1;
}

/* ---- keys that were met before --------------------------------------------------------------- */

/* KEY, which was delivered before, was met TIMES more. */
static __always_inline void count_key(u64 key, u64 times)
{
    u64 *total = bpf_map_lookup_elem(&seen, &key);

    if (total)
        __sync_fetch_and_add(total, times);
}

/* True if KEY was delivered before; counts it. */
static __always_inline bool seen_before(u64 key)
{
    u64 *times = bpf_map_lookup_elem(&seen, &key);

    if (times)
        __sync_fetch_and_add(times, 1);
    return times != NULL;
}

/* The same for the current task, whose STATE remembers some keys: each in one of two places, so
 * that it takes three in the same ones for them to drive each other out. */
__noinline int seen_by_task(struct task_state *state, u64 key)
{
    u32 at = (u32)key & (TASK_KEYS - 1);

    if (!state)
        return false;
    if (state->keys[at].key != key)
        at ^= 1;
    struct met_key *met = &state->keys[at];
    if (met->key == key && met->times != (u32)-1) {
        met->times++;
        return true;
    }
    if (!seen_before(key))
        return false;
    if (met->key != key && state->keys[at ^ 1].key == 0)
        met = &state->keys[at ^ 1];
    if (met->times != 0)
        count_key(met->key, met->times);
    met->key = key;
    met->times = 0;
    return true;
}

static long keys_step(u32 index, struct task_state **state)
{
    struct met_key *met = &(*state)->keys[BOUND(index, TASK_KEYS - 1)];

    if (met->times != 0)
        count_key(met->key, met->times);
    met->times = 0;
    return 0;
}

static __always_inline void keys_flush(struct task_state *state)
{
    bpf_loop(TASK_KEYS, keys_step, &state, 0);
}

/* ---- both ------------------------------------------------------------------------------------ */

enum { E2BIG = 7, EEXIST = 17 };

/* Sends the event, and puts KEY into `seen` once it is delivered. */
__noinline int event_deliver(u64 key)
{
    u64 once = 1;

    if (event_send(key) < 0) {
        count(COUNTER_LOST_RING, 1);
        bpf_map_update_elem(&lost, &key, &once, BPF_ANY);
        return -1;
    }
    const long r = bpf_map_update_elem(&seen, &key, &once, BPF_NOEXIST);
    if (r == -E2BIG)
        count(COUNTER_LOST_SEEN, 1); /* the fact is told again and again; nothing is lost */
    else if (r == -EEXIST)
        seen_before(key); /* another CPU told the same meanwhile */
    bpf_map_delete_elem(&lost, &key);
    return 0;
}
