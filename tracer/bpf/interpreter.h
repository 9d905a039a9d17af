/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ELF interpreter of a program that was just started: what is mapped where that begins to run,
 * if it is not the program itself.
 */
#pragma once

#include "take.h"

static __always_inline u64 user_code_at(const void *regs)
{
#if defined(__TARGET_ARCH_x86)
    return ((const struct pt_regs___x86 *)regs)->ip;
#elif defined(__TARGET_ARCH_arm64)
    return ((const struct pt_regs___aarch64 *)regs)->pc;
#endif
}

/* Nothing where the mapping could not be asked for. */
static __always_inline void blob_interpreter(struct task_struct *task, struct scratch *scratch,
                                             u64 program_inode)
{
    place_of_mapping(scratch, user_code_at((const void *)bpf_task_pt_regs(task)));
    if (scratch->place.flags & FILE_NONE)
        return;
    if (scratch->place.inode == program_inode)
        place_of_file(scratch, 0);
    blob_place(BLOB_VMA, 0);
}
