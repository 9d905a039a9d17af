/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The knowledge under profiles/tables, compiled in: system call numbers, what each argument means,
 * flag families, capabilities. Everything returned is constant and lives as long as the program.
 *
 * Sources: the kernel's syscall tables and uapi headers; see profiles/tables/README.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- architectures -------------------------------------------------------------------------- */

typedef enum Arch {
    ARCH_X86_64,
    ARCH_I386,
    ARCH_X32,
    ARCH_AARCH64,
    ARCH_ARM,
    ARCH_RISCV64,
    ARCH_PPC64LE,
    ARCH_S390X,
    ARCH_COUNT,
} Arch;

/* "x86_64", "i386", "x32", "aarch64", "arm", "riscv64", "ppc64le", "s390x" */
const char *arch_name(Arch arch);
/* As the OCI runtime specification spells it: "SCMP_ARCH_X86_64", … */
const char *arch_scmp_name(Arch arch);
/* AUDIT_ARCH_*; x32 has that of x86_64. */
uint32_t arch_audit(Arch arch);
/* An Arch, or -1. */
int arch_from_name(const char *name);
int arch_from_scmp_name(const char *name);
/* The Arch of a call by its audit architecture and number, which tells x32 (bit 30) from x86_64;
 * -1 if the tables do not know the architecture. */
int arch_from_call(uint32_t audit_arch, int64_t nr);
/* The architecture this program was built for. */
Arch arch_native(void);

/* ---- flag families -------------------------------------------------------------------------- */

typedef enum FlagStyle {
    FLAG_STYLE_ENUM,  /* the value is one of the names */
    FLAG_STYLE_FLAGS, /* the value is a combination of bits */
} FlagStyle;

typedef struct FlagName {
    const char *name;
    uint64_t value;
} FlagName;

typedef struct FlagFamily {
    const char *name; /* "socket_domain" */
    FlagStyle style;
    uint64_t mask;         /* the bits of the argument that select; the rest is noise */
    bool closed;           /* small and closed set of values: fit for a seccomp condition */
    const FlagName *names; /* ordered by value */
    size_t count;
} FlagFamily;

/* NULL if there is none of that name. */
const FlagFamily *flag_family(const char *name);

/* The name of a single VALUE of FAMILY, NULL if it has none. */
const char *flag_name(const FlagFamily *family, uint64_t value);

/* "AF_INET", "CLONE_VM|CLONE_FS|0x11", "0x99": VALUE as text in OUT, which gets at most SIZE bytes
 * with its NUL. A family that has no names at all (socket_protocol) gives decimal. Returns OUT. */
char *flag_text(const FlagFamily *family, uint64_t value, char *out, size_t size);

/* The value of what flag_text() writes; -EINVAL where a part is neither a name nor a number. */
int flag_parse(const FlagFamily *family, const char *text, uint64_t *ret_value);

/* ---- system calls --------------------------------------------------------------------------- */

enum { SYSCALL_ARGS = 6 };

/* What a path argument is used for: profiles/tables/path_operations.csv. */
typedef enum PathFinal {
    PATH_FINAL_FOLLOW,   /* a link as last component is followed */
    PATH_FINAL_NOFOLLOW, /* it is not */
    PATH_FINAL_PARENT,   /* the last component is a name in its folder (create, delete, rename) */
} PathFinal;

typedef struct PathOperation {
    const char *name; /* "open", "stat", "delete", … */
    uint32_t access;  /* ACCESS_* of model/fact.h */
    PathFinal final;
} PathOperation;

/* NULL if there is none of that name. */
const PathOperation *path_operation(const char *name);

typedef enum ArgRole {
    ROLE_NONE,       /* argument not used */
    ROLE_VALUE,      /* a plain number */
    ROLE_FD,         /* a descriptor */
    ROLE_DIRFD,      /* the folder that the next ROLE_PATH is relative to */
    ROLE_PATH,       /* a path; operation tells what for */
    ROLE_TEXT,       /* a string that is not resolved (a link's content, a mount's type) */
    ROLE_OPEN_FLAGS, /* O_* */
    ROLE_OPEN_HOW,   /* struct open_how */
    ROLE_AT_FLAGS,   /* AT_*: AT_SYMLINK_NOFOLLOW, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH matter */
    ROLE_MODE,
    ROLE_SOCKADDR, /* its length is the next ROLE_SOCKLEN */
    ROLE_SOCKLEN,
    ROLE_MSGHDR,
    ROLE_MMSGHDR,
    ROLE_IOVEC,
    ROLE_POINTER, /* memory that whittle does not look into */
    ROLE_LENGTH,
    ROLE_PID,
    ROLE_TID,
    ROLE_PIDFD,
    ROLE_SIGNAL,
    ROLE_UID,
    ROLE_GID,
    ROLE_SELECTOR,   /* chooses which functionality runs; family tells the names */
    ROLE_CLONE_ARGS, /* struct clone_args */
    ROLE_ARGV,
    ROLE_ENVP,
    ROLE_COUNT,
} ArgRole;

typedef struct SyscallArg {
    ArgRole role;
    const PathOperation *operation; /* of a ROLE_PATH, else NULL */
    const FlagFamily *family; /* of a ROLE_SELECTOR, ROLE_OPEN_FLAGS, ROLE_AT_FLAGS, else NULL */
    bool
        condition; /* generate a seccomp condition for this selector (the risk is worth the cost) */
    bool wide;     /* a full register; otherwise only the low 32 bits reach the kernel's code */
} SyscallArg;

typedef struct Syscall {
    const char *name;
    SyscallArg args[SYSCALL_ARGS];
    uint16_t index;  /* 0 ≤ index < syscall_count(), by name */
    bool returns_fd; /* success gives a new descriptor */
    bool has_roles;  /* some argument names a file, descriptor, address or selector */
    bool fallback;   /* libc falls back from it: a denial answers ENOSYS (clone3, openat2, …) */
} Syscall;

/* All known calls, ordered by name. */
size_t syscall_count(void);
const Syscall *syscall_at(size_t index);

/* NULL where the tables do not know it. x32 numbers are taken with or without bit 30. */
const Syscall *syscall_by_number(Arch arch, int64_t nr);
const Syscall *syscall_by_name(const char *name);

/* The number (x32: with bit 30 set), or -1 where ARCH has no such call. */
int64_t syscall_number(const Syscall *syscall, Arch arch);

/* One of the architectures ARCHS (bit i: Arch i) has it. */
bool syscall_exists(const Syscall *syscall, uint32_t archs);

/* The form of SYSCALL whose args[] are right on ARCH, as syscall_by_number() gives it: some calls
 * take theirs in another order there (clone on s390x). Same name and index. NULL where ARCH has no
 * such call. */
const Syscall *syscall_on(const Syscall *syscall, Arch arch);

/* The family that argument ARG's value is to be named by, given all ARGS of the call: that of the
 * argument's role, or a finer one where an earlier argument decides (socket_option by level,
 * socket_protocol by domain). NULL if it has none. The mask is always that of the role's family. */
const FlagFamily *syscall_arg_family(const Syscall *syscall, unsigned arg, const uint64_t *args);

/* Highest number plus one of ARCH (x32: without bit 30; arm: counting its private calls, which are
 * from 0xf0001 on). */
size_t syscall_number_limit(Arch arch);

/* ---- capabilities --------------------------------------------------------------------------- */

typedef struct Capability {
    const char *name; /* "CAP_CHOWN" */
    int number;
    const char *summary;        /* what it lets a process do, one line */
    const char *const *implied; /* names of smaller ones that this one includes; NULL-terminated */
} Capability;

size_t capability_count(void);
const Capability *capability_at(size_t index); /* ordered by number */
const Capability *capability_by_name(const char *name);
const Capability *capability_by_number(int number);

/* ---- who in the kernel asks for capabilities ------------------------------------------------- */

/* What a granted check says: profiles/tables/capability_sites.csv. */
typedef enum SiteVerdict {
    SITE_NEED,  /* the call needs it */
    SITE_PROBE, /* the call goes on without it and does the same */
    SITE_RULE,  /* the inference rules of the call know */
    SITE_MODE,  /* needed for a mode with S_ISGID */
    SITE_USER,  /* needed by others than root */
    SITE_OWN,   /* needed if asked of the task's own credentials, and nothing otherwise */
    SITE_ANY,   /* needed, whosever credentials were asked */
    SITE_TOUCH, /* needed if the file, which the call tells, may not be written without it */
    SITE_LINK,  /* needed if the file, which the call tells, is another's and may not be written */
    SITE_MAP,   /* of the task's own new user namespace: see bpf_capabilities.c */
    SITE_VERDICT_COUNT,
} SiteVerdict;

typedef struct CapabilitySite {
    const char *function; /* of the kernel, in the stack of the check */
    const char *via;      /* what it called on the way to the check; NULL: whatever */
    int capability;       /* -1: any */
    SiteVerdict verdict;
    int alternative; /* another capability that does as well, which the kernel asks for only after
                        this one; -1: none */
} CapabilitySite;

size_t capability_site_count(void);
const CapabilitySite *capability_site_at(size_t index); /* ordered by function */

/*
 * The site of a check of CAPABILITY, whose stack is COUNT names, innermost first, NULL where not
 * known: that of the innermost function that has any. NULL: none, which says SITE_NEED.
 */
const CapabilitySite *capability_site_find(const char *const *stack, size_t count, int capability);

/* True if a row has NAME as function or via. */
bool capability_site_names(const char *name);

/* ---- io_uring ------------------------------------------------------------------------------- */

/* What can be submitted to a ring instead of a system call: profiles/tables/io_uring.csv. */
typedef struct IoUringOperation {
    const char *name;       /* "IORING_OP_OPENAT" */
    const Syscall *syscall; /* does the same; NULL: none does */
    uint32_t names;         /* bit ROLE_X: a recorder is told an argument of that role */
} IoUringOperation;

size_t io_uring_operation_count(void);
/* NULL for a number that the table does not have. */
const IoUringOperation *io_uring_operation(uint64_t number);
const IoUringOperation *io_uring_operation_by_name(const char *name);

/* ---- signals -------------------------------------------------------------------------------- */

/* "SIGTERM", "SIGRT_3"; "SIG_77" where it has no name. The text lives in OUT. */
char *signal_text(int number, char *out, size_t size);
