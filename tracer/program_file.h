/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel will load to run a program file: the first bytes of a hostile file, parsed. */
#pragma once

#include <limits.h>
#include <stddef.h>

typedef enum ProgramKind {
    PROGRAM_UNKNOWN, /* neither: a shell may still run it as a script */
    PROGRAM_ELF,
    PROGRAM_SCRIPT,
} ProgramKind;

typedef struct ProgramFile {
    ProgramKind kind;
    char interpreter[PATH_MAX]; /* ELF interpreter or that of "#!"; "" for a static program */
} ProgramFile;

/* Reads FD (a regular file, offset unimportant). 0 or a negative errno. binfmt_elf.c,
 * binfmt_script.c. */
int program_file_read(int fd, ProgramFile *ret_program);

/*
 * The canonical path of what runs as the process's executable if PATH, of the caller's own root, is
 * executed: PATH itself, or for a script its interpreter. Where that cannot be read, as far as it
 * could. Malloced; NULL if there is no PATH or no memory.
 */
char *program_file_executable(const char *path);
