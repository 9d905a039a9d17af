/* SPDX-License-Identifier: Apache-2.0 */
/* What the observer's files share: observer*.c (the frame) and observe_*.c (one domain of calls
 * each). */
#pragma once

#include "base/buffer.h"
#include "tracer/observer.h"
#include "tracer/paths.h"
#include "tracer/process_table.h"
#include "tracer/sockets.h"

typedef struct CapabilityRules CapabilityRules;
typedef struct Reopened Reopened;

/* A fact that the call in progress will have shown if it comes to pass. */
typedef enum DraftWhen {
    DRAFT_ALWAYS,     /* the attempt itself is the fact; it gets the call's result */
    DRAFT_IF_SUCCESS, /* only if the call succeeds (or its result cannot be seen) */
    DRAFT_SETTLED,    /* carries a result of its own already */
} DraftWhen;

typedef struct Draft {
    Fact fact;
    DraftWhen when;
} Draft;

/* The call that a thread is in. One per thread, used again for each call. */
typedef struct Pending Pending;
struct Pending {
    Call call;
    bool active;
    StoredFact *syscall_fact; /* counted at entry; gets the result */
    int predicted;            /* RESULT_OK, an errno, RESULT_UNKNOWN */
    Draft *drafts;
    size_t count, capacity;
    PathResult paths[CALL_PATHS_MAX];
    char raw[CALL_PATHS_MAX][PATH_MAX]; /* the path arguments as the program passed them */
    const char *seen_in; /* the call that facts are to name as theirs; NULL: the call itself */
    /* Set by a handler at entry: to be called, with call.result, when the call has succeeded. Only
     * where results are seen. */
    void (*on_success)(Observer *observer, Tracee *tracee, Pending *pending);
};

typedef struct CallCacheEntry {
    const char *subject;
    Phase phase;
    const Syscall *syscall;
    Arch arch;
    uint64_t args[SYSCALL_ARGS];
    StoredFact *fact;
} CallCacheEntry;

enum { CALL_CACHE_SIZE = 4096 };

typedef struct CallHandler CallHandler;

struct Observer {
    ObserverOptions options;
    ProcessTable table;
    Resolver *resolver;
    SocketTable sockets;
    CapabilityRules *capability_rules;
    const char *label;            /* interned; NULL none */
    const CallHandler **handlers; /* by Syscall.index; NULL where none */
    uint8_t *needs;               /* by Syscall.index: NEED_* */
    CallCacheEntry *cache;
    Reopened *reopened; /* NULL where files are looked at each time */
    Buffer line;
    uint64_t calls;
    uint64_t losses;
    uint64_t interrupted;
    bool batch_journal; /* write facts when observer_flush() is called, or many have come */
    bool sees_io_uring; /* the backend tells of operations submitted through io_uring */
    StoredFact **added; /* if collect_added: the facts that were added since added_count was 0 */
    size_t added_count, added_capacity;
    bool collect_added;
    unsigned id_maps_open;    /* opened for writing and not written yet */
    uint64_t peak_descriptor; /* highest descriptor number seen, plus one */
    int journal_error;
    unsigned stacks_told; /* facts that were given a stack */
    int refusal;          /* of the call that was last refused */
    const Syscall *prctl, *exit;
    const PathOperation *mount_source, *mkdir, *rename_to, *creat;
};

/* What observing a system call takes: Observer.needs, by observer_setup.c. */
enum {
    NEED_PENDING = 1 << 0,      /* arguments have to be looked at */
    NEED_RESULT = 1 << 1,       /* every result matters, not only the first few */
    NEED_DESCRIPTORS = 1 << 2,  /* has descriptor arguments: keep the highest number */
    NEED_IDENTITY = 1 << 3,     /* may change credentials or program */
    NEED_IF_CONNECTED = 1 << 4, /* like NEED_PENDING while what is written matters */
    NEED_ROOT = 1 << 5,         /* may change the root folder or the mount namespace */
};

/*
 * What is special about one system call beyond its argument roles. Rows stand in observe_*.c.
 * NAMES is a list of calls, ended by NULL. Called at entry, after the path arguments were resolved.
 */
struct CallHandler {
    const char *const *names;
    void (*enter)(Observer *observer, Tracee *tracee, Pending *pending);
    bool needs_result; /* the facts depend on whether it succeeded */
    uint32_t access;   /* where ENTER serves several calls: what each does to a file, ACCESS_* */
};

extern const CallHandler file_handlers[]; /* ended by a row without names */
extern const CallHandler exec_handlers[];
extern const CallHandler socket_handlers[];
extern const CallHandler process_handlers[];
extern const CallHandler mount_handlers[];
extern const CallHandler id_map_handlers[];
/* Looked at while a datagram connect() is undecided or a map of ids is open. */
extern const CallHandler write_handlers[];

/* Adds a draft of KIND called NAME, with the tracee's subject; NULL without memory (counted as a
 * loss). The pointer is good until the next draft. */
Fact *pending_draft(Observer *observer, const Tracee *tracee, Pending *pending, FactKind kind,
                    const char *name, DraftWhen when);

/* "regular", "directory", …; NULL for what stat(2) does not know. */
const char *file_type_name(mode_t mode);

/* A file fact about a path that was resolved; nothing if it names no path. */
void draft_file(Observer *observer, Tracee *tracee, Pending *pending, const PathResult *path,
                uint32_t access, DraftWhen when);

/* What open(2) with FLAGS does to what PATH found: ACCESS_*. */
uint32_t open_access(uint64_t flags, const PathResult *path);

/* The call in PENDING has drafts, and each is a fact already that came with success. */
bool observed_before(const Observer *observer, const Pending *pending);

/* TEXT in the recording's string set; "" without memory. */
const char *observer_intern(Observer *observer, const char *text);

/* Reads a string argument into BUFFER; counts a loss and gives false if it cannot be read. */
bool read_text_argument(Observer *observer, Tracee *tracee, uint64_t address, char *buffer,
                        size_t size, const char *what);

/* Counts a loss about what TRACEE did. */
void tracee_loss(Observer *observer, const Tracee *tracee, const char *cause, const char *what);

/* Counts the call as the fact that it is, new or not; the fact, NULL without memory. */
StoredFact *observe_call(Observer *observer, Tracee *tracee, const Syscall *syscall, Arch arch,
                         const uint64_t *args);
/* The same for a call or an architecture that the tables do not know. */
StoredFact *observe_unknown_call(Observer *observer, Tracee *tracee, const SyscallStop *stop);

/* Notes the highest of the descriptors that are arguments of the call. */
void observe_descriptors(Observer *observer, const Syscall *syscall, const uint64_t *args);

/* Resolves the path arguments of the call in PENDING and drafts their file facts; predicts the
 * call's result as far as they decide it. */
void observe_paths(Observer *observer, Tracee *tracee, Pending *pending);

/* The thread's Pending, for this call. NULL without memory. */
Pending *pending_begin(Tracee *tracee, const SyscallStop *stop, const Syscall *syscall, Arch arch);

/* Adds the facts of PENDING now that the call's RESULT (RESULT_OK, an errno, RESULT_UNKNOWN) was
 * SEEN or predicted. */
void pending_commit(Observer *observer, Tracee *tracee, Pending *pending, int result, bool seen);

/* A call that is over, of a tracee with Tracee.captured: all its facts. */
void observe_captured_call(Observer *observer, Tracee *tracee, const SyscallStop *stop);
/* The same, but without the fact of the call itself: SYSCALL is what an operation of another way
 * into the kernel amounts to; SEEN_IN is that way. */
void observe_captured_operation(Observer *observer, Tracee *tracee, const SyscallStop *stop,
                                const Syscall *syscall, Arch arch, const char *seen_in);

/* Exec and file facts of PATH, loaded as what FIELD_LOADED_AS has words for. */
void draft_exec(Observer *observer, Tracee *tracee, Pending *pending, const PathResult *path,
                const char *loaded_as, uint32_t access, DraftWhen when);

/* The capabilities that the kernel runs PROGRAM, a descriptor of the caller's, only with: those of
 * its file, where they are effective from the start. */
void draft_file_capabilities(Observer *observer, Tracee *tracee, Pending *pending, int program);

/* What the write() in PENDING needs if it is to a map of ids. */
void observe_id_map(Observer *observer, Tracee *tracee, Pending *pending);

/* Capabilities that the call in PENDING needs, as drafts. */
void observe_capabilities(Observer *observer, Tracee *tracee, Pending *pending);

/* The stack of the call that TRACEE is in, interned; NULL where none are taken. */
const char *observe_stack(Observer *observer, Tracee *tracee);

/* Adds DRAFT now, seen COUNT times, and journals it if it is new. */
StoredFact *observer_add(Observer *observer, Tracee *tracee, Fact *draft, uint64_t count);

/* Adds RESULT (RESULT_OK, an errno, RESULT_UNKNOWN), SEEN or predicted, to FACT; nothing to NULL.
 */
void observe_result(Observer *observer, StoredFact *fact, int result, bool seen);

/* The low 32 bits as the kernel's int. */
static inline int arg_int(const Call *call, unsigned index)
{
    return (int)(uint32_t)call->args[index];
}

/* The seccomp filters that thread TID is under; -1 where the kernel does not tell (before 5.9). */
int seccomp_filters(pid_t tid);

/* The recorded process that TRACEE means by PID in its own namespace; NULL if none is known.
 * Borrowed. */
const Process *observe_process_meant(const Observer *observer, const Tracee *tracee, pid_t pid);
