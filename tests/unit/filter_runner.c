/* SPDX-License-Identifier: Apache-2.0 */
#include "filter_runner.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PROGRAM_MAX = 16384 };

FilterProgram filter_program_of(scmp_filter_ctx filter)
{
    FilterProgram program = {.ops = calloc(PROGRAM_MAX, sizeof *program.ops)};
    const int fd = memfd_create("filter", MFD_CLOEXEC);

    ck_assert_ptr_nonnull(program.ops);
    ck_assert_int_eq(seccomp_export_bpf(filter, fd), 0);
    const ssize_t size = pread(fd, program.ops, PROGRAM_MAX * sizeof *program.ops, 0);
    ck_assert_int_gt(size, 0);
    (void)close(fd);
    program.count = (size_t)size / sizeof *program.ops;
    return program;
}

void filter_program_deinit(FilterProgram *program)
{
    free(program->ops);
    *program = (FilterProgram){0};
}

uint32_t filter_program_run(const FilterProgram *program, const struct seccomp_data *data)
{
    uint32_t a = 0;

    for (size_t pc = 0; pc < program->count; pc++) {
        const struct sock_filter *op = &program->ops[pc];
        switch (op->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            memcpy(&a, (const char *)data + op->k, sizeof a);
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= op->k;
            break;
        case BPF_JMP | BPF_JA:
            pc += op->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            pc += a == op->k ? op->jt : op->jf;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            pc += a >= op->k ? op->jt : op->jf;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            pc += a > op->k ? op->jt : op->jf;
            break;
        case BPF_RET | BPF_K:
            return op->k;
        default:
            ck_abort_msg("instruction 0x%x", op->code);
        }
    }
    ck_abort_msg("the filter has no end");
    return 0;
}
