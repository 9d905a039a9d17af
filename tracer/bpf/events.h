/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel side (whittle.bpf.c) and the recorder (bpf*.c) of the eBPF backend tell each
 * other. Included by both; fixed-width types only, native byte order.
 *
 * Up: a call, an exec, a capability check, an io_uring operation is an event the first time that
 * its *key* is seen: a hash of program, label and everything about it that makes another fact.
 * Afterwards it is only counted, in the map `seen` under that key. An event is a fixed part and
 * then blobs: memory of the workload, files as the kernel's own structures describe them.
 *
 * Down: the map `roots` (thread groups that run already; the iterator `seed` puts them and their
 * descendants in scope, and is to be run again until `seeded` in .bss does not grow; some are about
 * to become a container runtime: what they do is only recorded once they are confined) or the map
 * `cgroups` (cgroups whose tasks are recorded as long as they are in there or below), `struct
 * bpf_settings` in the skeleton's .rodata, `struct bpf_session` in its .bss, the map `rules` (what
 * to look at in each system call), and the task storage `tasks` of the processes to start from.
 */
#pragma once

#ifndef __bpf__
#include <stdint.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;
#endif

enum {
    EVENT_ARGS = 6,
    EVENT_ANCESTRY = 8,
    EVENT_SIZE_MAX = 32 * 1024,
    EVENT_STRING_MAX = 4096, /* with its NUL: PATH_MAX */
    EVENT_COMMAND_MAX = 256,
    EVENT_STACK_MAX = 20,
    EVENT_LABEL_MAX = 256,
    EVENT_PIECE_MAX = 4096,
    EVENT_PIECES = 5, /* of a stack: 16 KiB, wherever in its page that begins */
};

/* ---- what to look at in a call: map `rules`, an array by ABI and number ---------------------- */

/* Entry paths; on architectures other than x86 only ABI_NATIVE. */
enum call_abi { ABI_NATIVE, ABI_I386, ABI_X32, ABI_COUNT };
enum { RULES_PER_ABI = 1024 }; /* numbers from there on are reported, never captured */

/* What to take of an argument, which is what makes one call another fact than the next. */
enum call_take {
    TAKE_NONE,
    TAKE_VALUE,    /* the number itself is part of the key (open flags, AT_ flags, signals) */
    TAKE_PATH,     /* string, with the folder it starts from: `companion` is the dirfd's argument */
    TAKE_TEXT,     /* string */
    TAKE_FD,       /* describe what it refers to */
    TAKE_SOCKADDR, /* socket address; `companion` is its length's argument */
    TAKE_MSGHDR,   /* struct msghdr: its msg_name */
    TAKE_MMSGHDR,  /* the first message of an array of struct mmsghdr: its msg_name */
    TAKE_MEMORY,   /* `companion` bytes (at most 64): struct open_how, struct clone_args */
    TAKE_PID,      /* a process or thread: its relation to the caller */
    TAKE_PIDFD,    /* the same of a descriptor */
    TAKE_VMA,      /* the file mapped at that address */
    TAKE_SOCKETCALL, /* i386: the words that stand for the arguments of the call that argument 0
                        tells */
    TAKE_LOOK, /* as TAKE_PATH, but the file is only looked at: an empty name, which stands for a
                  descriptor, makes no fact */
};
enum { COMPANION_NONE = 0xff };

enum call_rule_flags {
    RULE_KNOWN = 1u << 0,      /* the tables know this number */
    RULE_RETURNS_FD = 1u << 1, /* describe the descriptor that it returns */
    RULE_TAKES = 1u << 2,      /* some take[] is set, or RULE_RETURNS_FD */
    RULE_MARK = 1u << 3,       /* prctl: may be `whittle mark` */
    RULE_MAY_SEND = 1u << 4,   /* data may go out by descriptor argument 0 */
    RULE_EXEC = 1u << 5,       /* execve, execveat */
    RULE_SETTLES = 1u << 6,    /* connect: a datagram socket's address is only used if it sends */
    RULE_SELECTS = 1u << 7,    /* some mask[] is set */
    RULE_SIGNALS = 1u << 8,    /* sends a signal to its TAKE_PID argument */
    RULE_FORKS = 1u << 9,      /* returns twice, 0 in the child */
    RULE_MOVES = 1u << 10,     /* chdir: success makes the path argument the working folder */
    RULE_ROOTS = 1u << 11,     /* chroot: … the root folder */
    RULE_NEW_FD = 1u << 12,    /* returns a descriptor, whatever it refers to */
    RULE_UNSHARES = 1u << 13,  /* may put the task into another mount namespace */
    RULE_LEADS = 1u << 14,     /* some path, and no descriptor that tells where it led */
    RULE_REMOUNTS = 1u << 15,  /* success may move what relative paths start from (before.h) */
    RULE_CONFINES = 1u << 16,  /* may load a seccomp filter */
    RULE_LOOKS = 1u << 17,     /* takes nothing but one TAKE_LOOK and numbers */
    RULE_OPENS = 1u << 18,     /* RULE_RETURNS_FD, and takes nothing but paths and numbers */
    /* The kernel asks for a capability before it looks whether that matters: */
    RULE_ASKS_MEMORY = 1u << 19, /* … capset: the sets that argument 1 points to tell */
    RULE_ASKS_SHIFT = 20,        /* … argument N tells: bit N from there */
};

#define RULE_ASKS(argument) (1u << (RULE_ASKS_SHIFT + (argument)))
#define RULE_ASKS_ANY       (RULE_ASKS_MEMORY | 0x3fu << RULE_ASKS_SHIFT)
enum { ASKS_MEMORY = 24 };

struct call_rule {
    u32 flags;
    u8 take[EVENT_ARGS]; /* enum call_take */
    u8 companion[EVENT_ARGS];
    /* The takes apply only if: no condition (mask 0), or args[condition_arg] & condition_mask, or,
     * with condition_is_bit, bit args[condition_arg] of condition_mask is set. */
    u8 condition_arg;
    u8 condition_is_bit;
    u16 condition_value; /* or args[condition_arg] equals this, if not 0 */
    u32 looked_at;       /* with RULE_LOOKS: the argument that is TAKE_LOOK */
    u64 condition_mask;
    u64 mask[EVENT_ARGS]; /* of a selector argument; 0: not a selector */
};

/* ---- settings -------------------------------------------------------------------------------- */

/* What holds for the machine and whoever loads the kernel side. */
struct bpf_settings {
    u32 mark_option; /* prctl option of `whittle mark` */
    u32 mark_signal; /* sent to `whittle mark` to tell that its label is in force */
    u32 pid_namespace, mount_namespace; /* inode numbers of the recorder's */
    u64 hierarchies; /* those that the map `cgroups` has cgroups of, by bit: their numbers modulo
                        64. 0: nothing is recorded by cgroup */
    u64 own_program_inode,
        own_program_device; /* whittle's own file: `whittle mark` is not recorded */
    u32 sigreturn[ABI_COUNT], rt_sigreturn[ABI_COUNT]; /* numbers (x32: with bit 30) */
    u32 starting_phase;                                /* PHASE_RUNTIME_INIT of model/fact.h */
    u32 io_complete;                                   /* enum io_complete; set by bpf_loader.c */
    u32 stacks; /* 1: events have BLOB_REGISTERS and BLOB_PIECE */
};

/* What holds for one run: `session` in .bss, set before anybody is put in scope. */
struct bpf_session {
    u32 recorder_tgid;    /* never recorded */
    u32 front_tgid;       /* never recorded */
    u32 user_namespace;   /* inode number of the workload's, whose capabilities count */
    u32 seccomp_filters;  /* how many a task has that no container runtime has confined yet */
    u32 confined_by_exec; /* it loads none: what it executes in another mount namespace is confined
                           */
};

/* ---- cgroups: map `cgroups` ------------------------------------------------------------------ */

enum { CGROUPS_MAX = 256 };

struct cgroup_key {
    u64 id;        /* inode number of its folder */
    u64 hierarchy; /* number of the hierarchy, as in /proc/self/cgroup; 0: v2 */
};

/* ---- events ---------------------------------------------------------------------------------- */

enum event_type {
    EVENT_CALL = 1,   /* a system call returned, or its thread ended in it */
    EVENT_PROGRAM,    /* a program was seen for the first time: gives PROGRAM its path */
    EVENT_EXEC,       /* a program was started */
    EVENT_CAPABILITY, /* the kernel checked a capability */
    EVENT_IO_URING,   /* an operation was submitted */
    EVENT_LABEL,      /* `whittle mark`: label number LABEL is this text */
    EVENT_MEMORY, /* `value` is the peak resident memory in bytes of a process of PROGRAM; made by
                     the recorder from the map `peaks` when the run is over */
    EVENT_ENDED,  /* no task is in scope any more */
    /* The first recorded task came into mount namespace `value`, which is not the recorder's, or
     * the last one left it; tid and tgid are that task's. */
    EVENT_NAMESPACE_ENTERED,
    EVENT_NAMESPACE_LEFT,
    EVENT_MOVED, /* threads of a process were moved between cgroups: `seed` is to be run again */
    EVENT_IO_RESULT, /* `result` is one of the operation that was submitted with key `value` */
    EVENT_STACK, /* a thread of process `tgid`, which runs `program`, is about to run another: with
                    BLOB_REGISTERS and BLOB_PIECE, as those of what it did before */
};

struct event_credentials {
    u32 uid, euid, suid, fsuid, gid, egid, sgid, fsgid; /* of the initial user namespace */
    u64 inheritable, permitted, effective, bounding, ambient;
    u32 securebits;
    u32 no_new_privs;
};

enum event_flags {
    EVENT_NO_RESULT = 1u << 0,    /* the thread ended in the call */
    EVENT_ROOT_CHANGED = 1u << 1, /* the process's root is not that of its mount namespace */
    EVENT_CUT = 1u << 2,          /* a blob did not fit or could not be read: see its flag */
    EVENT_RESULT_COMES = 1u << 3, /* EVENT_IO_URING: by EVENT_IO_RESULT, or from `inflight` */
    EVENT_SCRIPT = 1u << 4, /* EVENT_EXEC: what was named is run by an interpreter, the program */
};

/* Who a signal, ptrace or the like was for, seen from the caller. */
enum event_relation {
    RELATION_UNKNOWN,
    RELATION_SELF,
    RELATION_PARENT,
    RELATION_CHILD,
    RELATION_RECORDED,
    RELATION_OUTSIDE,
};

/* Starts every event. All process ids are those of the recorder's pid namespace. */
struct event {
    u32 size; /* of the whole event */
    u16 type; /* enum event_type */
    u16 flags;
    u64 key;     /* in `seen`; 0: not counted there */
    u32 program; /* what the process runs: an EVENT_PROGRAM has told it (or will: order is free) */
    u32 label;   /* 0: none since the start */
    u8 phase;    /* enum Phase of model/fact.h */
    u8 abi;      /* enum call_abi */
    u8 relation; /* enum event_relation, of a TAKE_PID or TAKE_PIDFD argument */
    u8 padding;
    u32 tid, tgid;
    u32 parent;   /* tgid of the parent */
    u32 own_tgid; /* in the process's own pid namespace */
    u32 own_tid;
    u32 mount_namespace, pid_namespace, user_namespace, net_namespace; /* inode numbers */
    u32 ancestry[EVENT_ANCESTRY]; /* programs: of the process, its parent, …; 0 ends */
    s64 nr; /* EVENT_CALL, EVENT_EXEC, EVENT_CAPABILITY: the call; -1 none. x32: with bit 30 */
    u64 args[EVENT_ARGS];
    s64 result; /* negative errno for failure; restart codes as they are */
    u64 value;  /* by type */
    struct event_credentials credentials;
};

/* EVENT_CAPABILITY: value is the capability's number; result 0 granted, else -EPERM. The stack is a
 * BLOB_STACK. `args` only for calls with RULE_ASKS_ANY, with RULE_ASKS_MEMORY also BLOB_MEMORY of
 * arguments 0 (8 bytes) and 1 (ASKS_MEMORY). In `flags` beside those above: */
enum capability_flags {
    CAPABILITY_OTHER_NAMESPACE = 1u
                                 << 8, /* checked against another user namespace than settings' */
    CAPABILITY_OVERRIDDEN = 1u << 9,   /* by other than the task's own credentials: those of
                                          access(2), of a mounter (overlayfs), of a file's opener */
    /* Granted, after this one (number plus one) had been denied at the same place just before. */
    CAPABILITY_DENIED_SHIFT = 10,
};

/*
 * EVENT_IO_URING: value is the opcode, the arguments are those of the call that does the same. What
 * came of it is told by EVENT_IO_RESULT once for each different result, with what was opened
 * (BLOB_RESULT) or the registered file that it was about (BLOB_FILE 0); that has no subject of its
 * own. What is left in the map `inflight` at the end has an unknown one.
 */

enum { INFLIGHT_MAX = 16 * 1024, INFLIGHT_UNKNOWN = 1 << 30 };

struct inflight {
    u64 key;
    u32 flags; /* the kernel side's */
    u32 padding;
};

/* How the kernel tells of a completion: settings.io_complete. */
enum io_complete {
    IO_COMPLETE_NONE,
    IO_COMPLETE_VALUES, /* until 6.15: ring, request, user data, result, flags, … */
    IO_COMPLETE_ENTRY,  /* ring, request, struct io_uring_cqe */
};

enum blob_kind {
    BLOB_MEMORY = 1, /* bytes at `address` of the workload's memory; strings with their NUL */
    BLOB_FILE,       /* struct file_blob: what descriptor `number` refers to */
    BLOB_FOLDER,     /* the same: the folder that path argument `number` starts from */
    BLOB_ROOT,       /* the same: the process's root, if EVENT_ROOT_CHANGED */
    BLOB_VMA,        /* the same: what is mapped at argument `number`; EVENT_EXEC: the program's ELF
                        interpreter, FILE_NONE where it has none */
    BLOB_RESULT,     /* the same: what the returned descriptor refers to */
    BLOB_PROGRAM,    /* the same: the program of EVENT_PROGRAM and EVENT_EXEC */
    BLOB_COMMAND,    /* argument vector, each word ended by NUL, cut */
    BLOB_NAME,       /* EVENT_EXEC: the name execve() was given, with its NUL */
    BLOB_STACK,      /* u64 kernel addresses, innermost first */
    BLOB_LABEL,      /* text with its NUL */
    BLOB_PATH, /* the same as BLOB_FILE: what path argument `number` led to, by the kernel itself */
    BLOB_REGISTERS, /* the kernel's struct pt_regs of the thread in user space; `address` is where
                       its memory's first stack began, which tells one memory from the next */
    BLOB_PIECE,     /* what lies at `address` of its stack */
};

enum blob_flags {
    BLOB_UNREADABLE = 1u << 0, /* memory could not be read: no bytes */
    BLOB_CUT = 1u << 1,        /* longer than could be taken */
};

struct blob {
    u16 size; /* with this header; the next one starts at the next multiple of 8 */
    u8 kind;
    u8 flags;
    s32 number; /* argument index or descriptor */
    u64 address;
    /* bytes follow */
};

enum file_flags {
    FILE_NONE = 1u << 0,     /* nothing there (descriptor closed meanwhile, anonymous mapping) */
    FILE_NAMELESS = 1u << 1, /* pipe, socket, memfd, anonymous inode: `text` is its kind */
    FILE_DELETED = 1u << 2,
    FILE_CUT = 1u << 3,     /* the path is too long */
    FILE_CREATED = 1u << 4, /* this open() made it */
    FILE_SOCKET = 1u << 5,
    FILE_BEFORE = 1u << 6, /* BLOB_PATH: as it was before the call; mode 0: nothing was there */
};

struct file_blob {
    u64 identity;      /* hash of the path's dentries and mounts */
    u64 inode, device; /* device: the kernel's, major << 20 | minor */
    u64 magic;         /* of the file system, statfs(2) */
    u32 mode, uid, gid, links;
    u32 flags;      /* enum file_flags */
    u32 open_flags; /* of a descriptor */
    /* FILE_SOCKET */
    u16 family, type, protocol;
    u16 text_length; /* without NUL */
    u32 peer_port;   /* inet: host byte order */
    u32 padding;
    u8 peer_address[16]; /* inet: the first 4 */
    /* text_length bytes and a NUL follow: the path from the root of the mount namespace */
};

/* ---- shared counters: map `counters`, an array of u64 ---------------------------------------- */

enum counter {
    COUNTER_TASKS,     /* tasks (threads) in scope now */
    COUNTER_PROCESSES, /* thread groups whose leader is alive */
    COUNTER_PROCESSES_PEAK,
    COUNTER_DESCRIPTOR_PEAK, /* highest descriptor number returned, plus one */
    COUNTER_LOST_RING,       /* events that found the ring full (each is tried again) */
    COUNTER_LOST_SEEN,       /* keys for which the map `seen` had no room */
    COUNTER_LOST_TASK,       /* tasks for which there was no storage */
    COUNTER_LOST_PROGRAM,    /* programs for which the map `programs` had no room */
    COUNTER_LOST_NESTED,     /* events that came while another one was being made on the same CPU */
    COUNTER_COUNT,
};

/* The map `calls`: system calls looked at, an array of one u64 a CPU.
 * The map `peaks`: program → highest peak of resident memory of a process that ended, in pages.
 * The map `lost`: keys of events that found the ring full and were not delivered since. */

/* ---- task storage: map `tasks` --------------------------------------------------------------- */

enum task_flags {
    TASK_LAUNCHING = 1u << 0,  /* whittle's own child that has not run the program yet */
    TASK_MARK = 1u << 1,       /* runs `whittle mark`: not recorded */
    TASK_EXEC = 1u << 2,       /* an exec that was told already is about to return */
    TASK_UNCONFINED = 1u << 3, /* of a container runtime: nothing of it is recorded yet */
    TASK_STARTING = 1u << 4,   /* confined, and has not executed the workload yet */
};

enum { QUICK_PLACES = 32, TASK_KEYS = 32 };

/* In a value of the maps `roots` and `cgroups`, beside the phase: TASK_UNCONFINED for the task and
 * what it starts.
 */
enum { ROOT_RUNTIME = 1u << 8, ROOT_PHASE = 0xff };

/* A key that is in `seen`, and how often it was met since. */
struct met_key {
    u64 key; /* 0: none */
    u32 times;
    u32 padding;
};

/* A call by number, and how often it was made since it was told, plus one; 0: none. */
struct quick_call {
    u16 nr, times;
};

/* Native calls that were told, succeeded and have no argument that matters: how often a task made
 * them. Counts are added to `seen` when there is no more room, when the task ends, and when program
 * or label change. */
struct quick {
    u64 stack;    /* of a slot: whose it is (quick.h); 0: nobody's */
    u64 task;     /* of a slot: address of its struct task_struct */
    s64 returned; /* the last call that returned, or NR_NONE */
    u32 label;    /* the label that the counts are of */
    u32 calls;    /* all that were looked at and are not yet in the map `calls` */
    u32 used_count;
    u32 padding;
    struct quick_call places[QUICK_PLACES];
    u8 used[QUICK_PLACES]; /* which of them are taken */
};

/* As the recorder sets it: flags, phase, own.returned = NR_NONE, counted = 1; the rest 0. What each
 * call needs comes first, in one line of the processor's cache. */
struct task_state {
    u32 program; /* 0: not known yet */
    u32 flags;
    u32 phase;
    u32 led;  /* where paths of the call in progress led: which places in the map `leads` tell */
    u32 slot; /* of the map `quicks`, where its calls are counted; 0: in `own` */
    u32 descriptor_peak; /* of its own calls that were counted */
    u32 relation;        /* of the signal sent in the call in progress; 0 none */
    u32 sigreturn;       /* number and ABI of the call that ends the signal handler begun last */
    u32 sigreturn_abi;
    u32 denied;      /* the last check of a capability was denied: its number plus one; 0 granted */
    u32 phase_after; /* TASK_UNCONFINED and TASK_STARTING: of the workload */
    u32 counted;     /* in COUNTER_TASKS; changes by compare and swap */
    u32 mount_namespace; /* that it is counted in; 0: the recorder's, or not known */
    /* Keys that were met, with counts that are not in `seen` yet. */
    struct met_key keys[TASK_KEYS];
    struct quick own;
    u32 ancestry[EVENT_ANCESTRY];
    u32 exec_nr, exec_abi; /* the call that is starting a program; 0: not known */
    /* The check of a capability in progress, where its end alone does not tell: its number plus
     * one, and the kernel's addresses of credentials and user namespace. */
    u32 asked;
    u64 asked_cred, asked_target;
    u32 denied_frames[EVENT_STACK_MAX]; /* the lower halves */
};

/* For quick.returned and event.nr. No call has such a number. */
enum { NR_NONE = -4096 };
