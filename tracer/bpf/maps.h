/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Maps, settings and the scratch memory of whittle.bpf.c. */
#pragma once

#include "kernel.h"

#include "events.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

const volatile struct bpf_settings settings;
struct bpf_session session;

/* Numbers given out so far. */
u32 current_label;
u32 last_label;
u32 last_program;

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, ABI_COUNT *RULES_PER_ABI);
    __type(key, u32);
    __type(value, struct call_rule);
} rules SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 2 * 1024 * 1024);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, u64);
    __type(value, u64);
} seen SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64 * 1024);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, u64);
    __type(value, u64);
} lost SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64 * 1024);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, u64); /* identity of the program's file */
    __type(value, u32);
} programs SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64 * 1024);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, u32);
    __type(value, u64);
} peaks SEC(".maps");

/* Labels by the hash of their text. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64 * 1024);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, u64);
    __type(value, u32);
} labels SEC(".maps");

/* Datagram sockets that were connected and have not sent yet, by the address of their struct sock.
 */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16 * 1024);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, u64);
    __type(value, u32);
} connected SEC(".maps");
u32 connected_count;

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, COUNTER_COUNT);
    __type(key, u32);
    __type(value, u64);
} counters SEC(".maps");

/* System calls looked at, by CPU. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, u64);
} calls SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct task_state);
} tasks SEC(".maps");

enum { RING_SIZE = 16 * 1024 * 1024 };
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, RING_SIZE);
} events SEC(".maps");

/* The recorder's root folder: where paths begin. */
u64 own_root_dentry;
u64 own_root_mount;

/* How deep the recorder's pid namespace is, plus one; 0: not found out yet. */
u32 recorder_level;

/* ---- scratch: one event in the making on each CPU -------------------------------------------- */

enum {
    PATH_BYTES = 4096,
    NAME_BYTES = 256,
    STRINGS =
        2, /* path or text arguments of one call: the kernel has no call with more that matter */
    BLOB_ROOM = 2 * PATH_BYTES, /* the largest blob with its headers is smaller */
};

/* So many arguments that any index of 3 bits is inside. */
enum { ARGS_ROOM = 8 };

/* What a descriptor, a folder or a mapping is, before it is put into words. */
struct place {
    u64 file;   /* struct file; 0 for folders */
    u64 dentry; /* 0: nothing there */
    u64 mount;  /* struct mount */
    u64 inode;
    u64 identity;
    u64 sock; /* struct sock */
    u32 flags;
    u32 depth; /* components of the path */
    u32 open_flags;
    u16 family, type, protocol, padding;
};

/* On the way from a place to the root. */
struct walk {
    u64 dentry, mount;
    u64 hash;
    u32 depth;
    u32 done;
};

/* The call whose arguments are being taken. */
struct taking {
    u32 rule_index;
    u32 abi;
    s64 result;
    u64 args[EVENT_ARGS];
    u64 hash;     /* of everything so far: the key in the end */
    u32 relation; /* enum event_relation */
    u32 strings;  /* of scratch.strings in use */
    u32 nothing;  /* the arguments turned out to add nothing to what the call is */
    u32 paths;    /* path arguments met so far */
    u32 led;      /* of the task's state */
    u32 padding;
};

struct scratch {
    u32 busy;
    u32 used; /* bytes of `event` */
    u32 path_at;
    u32 address_length; /* bytes in address_words */
    u32 padding;
    u64 scalar; /* of SCALAR() */
    struct taking taking;
    struct place place;
    struct walk walk;
    u32 string_length[STRINGS]; /* with NUL; 0 unreadable */
    u64 string_hash[STRINGS];
    u64 address_words[32]; /* a socket address; the second half is never used */
    u64 frames[EVENT_STACK_MAX];
    u8 strings[STRINGS][PATH_BYTES + 8];
    u8 path[PATH_BYTES + NAME_BYTES + 8];
    u8 event[EVENT_SIZE_MAX + BLOB_ROOM];
};

/* By CPU, but too large for a map of that type. The recorder sets the number of CPUs. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, struct scratch);
} scratches SEC(".maps");

static __always_inline struct scratch *scratch_get(void)
{
    u32 cpu = bpf_get_smp_processor_id();

    return bpf_map_lookup_elem(&scratches, &cpu);
}

static __always_inline void count(u32 which, s64 n)
{
    u64 *value = bpf_map_lookup_elem(&counters, &which);

    if (value)
        __sync_fetch_and_add(value, (u64)n);
}

/* A task came into scope, or left it; false if that was known. Where a task that runs already is
 * put in scope just as it is created or ends, two programs are at it at once. */
static __always_inline bool count_task(struct task_state *state)
{
    if (__sync_val_compare_and_swap(&state->counted, 0, 1) != 0)
        return false;
    count(COUNTER_TASKS, 1);
    return true;
}

static __always_inline bool uncount_task(struct task_state *state)
{
    return __sync_val_compare_and_swap(&state->counted, 1, 0) == 1;
}

static __always_inline void count_process(void)
{
    u32 which = COUNTER_PROCESSES;
    u32 peak_index = COUNTER_PROCESSES_PEAK;
    u64 *now = bpf_map_lookup_elem(&counters, &which);
    u64 *peak = bpf_map_lookup_elem(&counters, &peak_index);

    if (!now || !peak)
        return;
    const u64 value = __sync_fetch_and_add(now, 1) + 1;
    /* Two at once may leave the smaller of two neighbouring values. */
    if (value > *peak)
        *peak = value;
}

/* DESCRIPTOR was given to a process. */
static __always_inline void count_descriptor(u64 descriptor)
{
    u32 which = COUNTER_DESCRIPTOR_PEAK;
    u64 *peak = bpf_map_lookup_elem(&counters, &which);

    if (peak && *peak <= descriptor)
        *peak = descriptor + 1;
}

static __always_inline void count_calls(u32 n)
{
    u32 zero = 0;
    u64 *value = bpf_map_lookup_elem(&calls, &zero);

    if (value)
        *value += n;
}

/* ---- reading the kernel's structures --------------------------------------------------------- */

extern void *bpf_rdonly_cast(const void *object, u32 btf_id) __ksym __weak;

/* POINTER (an integer or any pointer) as a struct TYPE, its FIELD. A plain load where the kernel
 * can cast (6.2), several times as fast as the copy. */
#define FIELD(type, pointer, field)                                                                \
    ({                                                                                             \
        const u64 pointer_ = (u64)(pointer);                                                       \
        typeof(((type *)0)->field) value_;                                                         \
        if (bpf_rdonly_cast)                                                                       \
            value_ =                                                                               \
                ((type *)bpf_rdonly_cast((const void *)pointer_, bpf_core_type_id_kernel(type)))   \
                    ->field;                                                                       \
        else                                                                                       \
            bpf_core_read(&value_, sizeof value_, &((type *)pointer_)->field);                     \
        value_;                                                                                    \
    })

/* OBJECT, a struct TYPE that the verifier trusts (the current task, what a tracepoint is given), to
 * load pointers from. Of each pointer that is loaded from a trusted object, verifiers since 6.4
 * look all through the kernel's types for whether that one is to be trusted as well: most of the
 * time that loading took. */
#define PLAIN(type, object)                                                                        \
    ({                                                                                             \
        const type *object_ = (object);                                                            \
        if (bpf_rdonly_cast)                                                                       \
            object_ = bpf_rdonly_cast(object_, bpf_core_type_id_kernel(type));                     \
        object_;                                                                                   \
    })

static __always_inline const struct task_struct *plain(const struct task_struct *task)
{
    return PLAIN(struct task_struct, task);
}

/* The word, some pointer or address, at ADDRESS, as a number: in every kernel, struct timespec64
 * has one at its beginning. */
#define WORD(address) ((u64)FIELD(struct timespec64, address, tv_sec))

/* FIELD() of a pointer as a number: global functions take no others, the verifier finds that no two
 * pointers are the same, and looks all through the kernel's types for whether one that was loaded
 * from an object it trusts (the current task) is to be trusted as well. */
#define NUMBER(type, pointer, field) WORD((u64)(pointer) + bpf_core_field_offset(type, field))

/* A pointer of the kernel as a plain number, which global functions take. The verifier forgets what
 * it knew of a pointer that was in a map. */
#define SCALAR(scratch, pointer)                                                                   \
    ({                                                                                             \
        *(volatile u64 *)&(scratch)->scalar = (u64)(pointer);                                      \
        *(volatile u64 *)&(scratch)->scalar;                                                       \
    })

/* VALUE, which is no more than MASK (a power of two less one), so that verifiers before 6.2 see it
 * too: the compiler, which sees it as well, would leave the mask out. */
#define BOUND(value, mask)                                                                         \
    ({                                                                                             \
        u64 bound_ = (u64)(value);                                                                 \
        barrier_var(bound_);                                                                       \
        (u32)(bound_ & (mask));                                                                    \
    })

static __always_inline u64 mix(u64 hash, u64 value)
{
    hash ^= value;
    hash *= 0x9e3779b97f4a7c15ull;
    return hash ^ hash >> 29;
}

/* ---- process numbers --------------------------------------------------------------------------
 */

enum { PID_LEVELS = 32 /* the kernel's MAX_PID_NS_LEVEL */, LEVELS_SEARCHED = 8 };

static __always_inline u64 number_slot(u64 pid, u32 level)
{
    return pid + bpf_core_field_offset(struct pid, numbers) +
           (u64)BOUND(level, PID_LEVELS - 1) * bpf_core_type_size(struct upid);
}

static __always_inline u32 number_at(u64 pid, u32 level)
{
    u32 number = 0;

    bpf_probe_read_kernel(&number, sizeof number, (const void *)number_slot(pid, level));
    return number;
}

static __always_inline void find_recorder_level(u64 pid)
{
    const u32 levels = FIELD(struct pid, pid, level) + 1;

    for (u32 level = 0; level < LEVELS_SEARCHED; level++) {
        u32 limit = levels;
        barrier_var(
            limit); /* else one end is made of both, tested by ==: too much for the verifier */
        if (level >= limit)
            return;
        const u64 namespace = NUMBER(struct upid, number_slot(pid, level), ns);
        if (FIELD(struct pid_namespace, namespace, ns.inum) == settings.pid_namespace) {
            recorder_level = level + 1;
            return;
        }
    }
}

/* The number of a struct pid in the recorder's pid namespace. A function of its own for the
 * verifier, as are the following. */
__noinline int pid_number(u64 pid)
{
    if (!pid)
        return 0;
    if (recorder_level == 0)
        find_recorder_level(pid);
    const u32 level = recorder_level;
    return level == 0 || FIELD(struct pid, pid, level) + 1 < level ? 0
                                                                   : (int)number_at(pid, level - 1);
}

/* The number of TASK in the recorder's pid namespace, 0 if it has none there. */
static __always_inline u32 recorder_number(const struct task_struct *task)
{
    return (u32)pid_number(NUMBER(struct task_struct, task, thread_pid));
}
