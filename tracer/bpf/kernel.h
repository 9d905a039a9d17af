/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's types as far as whittle.bpf.c looks at them. Declared by hand: libbpf relocates each
 * access to where the running kernel has the field (CO-RE), so neither order nor completeness
 * matter, only names and types. Read off Linux 6.1 and 6.18; what differs has a ___suffix.
 */
#pragma once

typedef unsigned char u8, __u8;
typedef unsigned short u16, __u16;
typedef unsigned int u32, __u32;
typedef unsigned long long u64, __u64;
typedef signed char s8, __s8;
typedef signed short s16, __s16;
typedef signed int s32, __s32;
typedef signed long long s64, __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u16 __sum16;
typedef __u32 __wsum;
typedef _Bool bool;
enum { false = 0, true = 1 };
#define NULL ((void *)0)

/* Of linux/bpf.h, which must not be mixed with these types. */
enum bpf_map_type {
    BPF_MAP_TYPE_HASH = 1,
    BPF_MAP_TYPE_ARRAY = 2,
    BPF_MAP_TYPE_PERCPU_ARRAY = 6,
    BPF_MAP_TYPE_RINGBUF = 27,
    BPF_MAP_TYPE_TASK_STORAGE = 29,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1 };
enum { BPF_F_NO_PREALLOC = 1 };
enum { BPF_LOCAL_STORAGE_GET_F_CREATE = 1 };
enum { BPF_RB_AVAIL_DATA = 0, BPF_RB_CONS_POS = 2 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct xarray {
    void *xa_head;
};
struct xa_node {
    unsigned char shift;
    void *slots[64];
};
struct idr {
    struct xarray idr_rt;
};
struct hlist_node {
    struct hlist_node *next;
};
struct hlist_head {
    struct hlist_node *first;
};
struct pid_namespace;
struct upid {
    int nr;
    struct pid_namespace *ns;
};
struct pid {
    unsigned int level;
    struct hlist_head tasks[4]; /* by enum pid_type */
    struct upid numbers[1];
};
struct ns_common {
    unsigned int inum;
};
struct user_namespace {
    struct user_namespace *parent;
    int level;
    struct ns_common ns;
};
struct pid_namespace {
    struct idr idr; /* struct pid by number */
    struct ns_common ns;
};
struct net {
    struct ns_common ns;
};
struct css_set;
struct mount;
struct mnt_namespace {
    struct ns_common ns;
};
struct nsproxy {
    struct mnt_namespace *mnt_ns;
    struct pid_namespace *pid_ns_for_children;
    struct net *net_ns;
};
struct super_block {
    u32 s_dev;
    unsigned long s_flags;
    unsigned long s_magic;
};
typedef struct {
    u32 val;
} kuid_t;
typedef struct {
    u32 val;
} kgid_t;
struct inode {
    unsigned short i_mode;
    kuid_t i_uid;
    kgid_t i_gid;
    struct super_block *i_sb;
    unsigned long i_ino;
    unsigned int i_nlink;
};
struct qstr {
    u64 hash_len; /* length in the upper half, hash in the lower */
    const unsigned char *name;
};
struct hlist_bl_node {
    struct hlist_bl_node **pprev;
};
struct dentry {
    struct hlist_bl_node d_hash;
    struct dentry *d_parent;
    struct qstr d_name;
    struct inode *d_inode;
};
struct vfsmount {
    struct dentry *mnt_root;
    struct super_block *mnt_sb;
};
struct mount {
    struct mount *mnt_parent;
    struct dentry *mnt_mountpoint;
    struct vfsmount mnt;
    struct mnt_namespace *mnt_ns;
};
struct path {
    struct vfsmount *mnt;
    struct dentry *dentry;
};
struct file {
    unsigned int f_mode;
    void *private_data;
    struct inode *f_inode;
    unsigned int f_flags;
    struct path f_path;
};
struct backing_file {
    struct path user_path; /* since 6.8 */
};
struct fdtable {
    unsigned int max_fds;
    struct file **fd;
};
struct files_struct {
    struct fdtable *fdt;
};
struct fs_struct {
    struct path root;
    struct path pwd;
};
struct kernel_cap {
    u64 bits;
};
struct cred {
    kuid_t uid, suid, euid, fsuid;
    kgid_t gid, sgid, egid, fsgid;
    unsigned int securebits;
    struct kernel_cap cap_inheritable, cap_permitted, cap_effective, cap_bset, cap_ambient;
    struct user_namespace *user_ns;
};
struct mm_struct {
    unsigned long arg_start, arg_end, start_stack;
    struct file *exe_file;
};
struct signal_struct {
    unsigned long maxrss; /* pages */
    int nr_threads;
};
struct thread_info {
    unsigned long flags;
    u32 status;
};
struct atomic {
    int counter;
};
struct seccomp {
    struct atomic filter_count;
};
struct task_struct {
    struct thread_info thread_info;
    unsigned int flags;
    struct mm_struct *mm;
    int pid;
    int tgid;
    struct task_struct *real_parent;
    struct task_struct *group_leader;
    struct pid *thread_pid;
    struct hlist_node pid_links[4]; /* by enum pid_type */
    const struct cred *real_cred;
    const struct cred *cred;
    struct fs_struct *fs;
    struct files_struct *files;
    struct nsproxy *nsproxy;
    struct signal_struct *signal;
    struct css_set *cgroups;
    struct seccomp seccomp;
};
struct vm_area_struct {
    struct file *vm_file;
};
struct linux_binprm {
    struct file *file;
    const char *filename;
    const char *interp; /* the same pointer, unless there are interpreters: the last one's name */
};
struct in6_addr {
    u8 bytes[16];
};
struct sock_common {
    __be32 skc_daddr;
    __be16 skc_dport;
    unsigned short skc_family;
    struct in6_addr skc_v6_daddr;
};
struct sock {
    struct sock_common __sk_common;
    u16 sk_type;
    u16 sk_protocol;
};
struct socket {
    short type;
    struct sock *sk;
};
struct filename {
    const char *name;
    const char *uptr; /* in user memory; NULL: none */
};
struct io_cqe {
    u64 user_data;
    int fd;
};
struct io_kiocb {
    u8 opcode;
    unsigned int flags; /* 64 bits since 6.8: the lower ones */
    struct io_cqe cqe;
    struct file *file;
    void *ctx;
    void *async_data;
};
struct io_uring_cqe {
    u64 user_data;
    s32 res;
    u32 flags;
};
/* What io_uring keeps of an operation that was read from the queue, at the start of the request. */
struct open_how {
    u64 flags, mode, resolve;
};
struct io_open {
    int dfd;
    u32 file_slot;
    struct filename *filename;
    struct open_how how;
};
struct io_rename {
    int old_dfd, new_dfd;
    struct filename *oldpath, *newpath;
    int flags;
};
struct io_unlink {
    int dfd;
    int flags;
    struct filename *filename;
};
struct io_mkdir {
    int dfd;
    struct filename *filename;
};
struct io_link {
    int old_dfd, new_dfd;
    struct filename *oldpath, *newpath;
    int flags;
};
struct io_statx {
    int dfd;
    unsigned int flags;
    struct filename *filename;
};
struct io_connect {
    void *addr;
    int addr_len;
};
struct io_socket {
    int domain, type, protocol;
    u32 file_slot;
};
struct io_accept {
    u32 file_slot;
};
struct io_bind {
    int addr_len;
};
struct io_xattr {
    struct filename *filename;
};
struct io_sr_msg {
    void *umsg;
    u16 addr_len; /* until 6.12 */
    void *addr;
};
struct msghdr {
    void *msg_name;
    int msg_namelen;
};
struct sockaddr_storage_of_io {
    u8 bytes[128];
};
struct iou_vec {
    unsigned int nr;
};
struct io_async_msghdr {
    struct iou_vec vec; /* since 6.15 */
    struct msghdr msg;
    struct sockaddr_storage_of_io addr;
};

struct sigaction {
    unsigned long sa_flags;
};
struct k_sigaction {
    struct sigaction sa;
};
struct kernel_siginfo;
struct timespec64 { /* for NUMBER() */
    s64 tv_sec;
};

/* Linux 5.11 … */
struct pt_regs___x86 {
    unsigned long r10, r9, r8, bp, bx, dx, cx, si, di, ax, orig_ax, ip, sp, ss;
};
struct pt_regs___aarch64 {
    u64 regs[31];
    u64 sp, pc, pstate;
    u64 orig_x0;
    int syscallno;
};

#pragma clang attribute pop

/* The context of tp_btf programs; never looked into but through BPF_PROG(). */
struct pt_regs;
