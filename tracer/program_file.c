/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/program_file.h"

#include "base/io.h"
#include "base/memory.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

enum { HEAD_SIZE = 256 /* BINPRM_BUF_SIZE */, HEADERS_MAX = 128 };

/* "#! /bin/sh -e\n": the interpreter is the first word. */
static void parse_script(const char *head, size_t length, ProgramFile *program)
{
    size_t start = 2;

    program->kind = PROGRAM_SCRIPT;
    while (start < length && (head[start] == ' ' || head[start] == '\t'))
        start++;
    size_t end = start;
    while (end < length && !strchr(" \t\n", head[end]))
        end++;
    memcpy(program->interpreter, head + start, end - start);
    program->interpreter[end - start] = '\0';
}

static int read_interpreter(int fd, uint64_t offset, uint64_t size, ProgramFile *program)
{
    if (size < 2 || size > sizeof program->interpreter || offset > INT64_MAX)
        return 0; /* the kernel answers ENOEXEC: nothing is loaded */
    const ssize_t n = pread(fd, program->interpreter, size, (off_t)offset);
    if (n < 0)
        return -errno;
    if ((uint64_t)n < size || program->interpreter[size - 1] != '\0')
        program->interpreter[0] = '\0';
    return 0;
}

static int find_interpreter_64(int fd, const Elf64_Ehdr *header, ProgramFile *program)
{
    for (unsigned i = 0; i < header->e_phnum && i < HEADERS_MAX; i++) {
        Elf64_Phdr segment;
        uint64_t at;
        if (__builtin_add_overflow(header->e_phoff, (uint64_t)i * sizeof segment, &at) ||
            at > INT64_MAX || pread(fd, &segment, sizeof segment, (off_t)at) != sizeof segment)
            return 0;
        if (segment.p_type == PT_INTERP)
            return read_interpreter(fd, segment.p_offset, segment.p_filesz, program);
    }
    return 0;
}

static int find_interpreter_32(int fd, const Elf32_Ehdr *header, ProgramFile *program)
{
    for (unsigned i = 0; i < header->e_phnum && i < HEADERS_MAX; i++) {
        Elf32_Phdr segment;
        const uint64_t at = (uint64_t)header->e_phoff + (uint64_t)i * sizeof segment;
        if (pread(fd, &segment, sizeof segment, (off_t)at) != sizeof segment)
            return 0;
        if (segment.p_type == PT_INTERP)
            return read_interpreter(fd, segment.p_offset, segment.p_filesz, program);
    }
    return 0;
}

int program_file_read(int fd, ProgramFile *ret_program)
{
    char head[HEAD_SIZE] = {0};
    ProgramFile program = {.kind = PROGRAM_UNKNOWN};
    int r = 0;

    const ssize_t n = pread(fd, head, sizeof head, 0);
    if (n < 0)
        return -errno;
    if (n > 2 && head[0] == '#' && head[1] == '!') {
        parse_script(head, (size_t)n, &program);
    } else if ((size_t)n >= sizeof(Elf32_Ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0) {
        program.kind = PROGRAM_ELF;
        if (head[EI_CLASS] == ELFCLASS64 && (size_t)n >= sizeof(Elf64_Ehdr)) {
            Elf64_Ehdr header;
            memcpy(&header, head, sizeof header);
            r = find_interpreter_64(fd, &header, &program);
        } else if (head[EI_CLASS] == ELFCLASS32) {
            Elf32_Ehdr header;
            memcpy(&header, head, sizeof header);
            r = find_interpreter_32(fd, &header, &program);
        }
    }
    if (r == 0)
        *ret_program = program;
    return r;
}

char *program_file_executable(const char *path)
{
    enum { SCRIPTS_MAX = 5 /* the kernel gives up with ELOOP past this */ };
    CLEANUP(free_pointer) char *found = realpath(path, NULL);
    ProgramFile program;

    for (int depth = 0; found && depth < SCRIPTS_MAX; depth++) {
        CLEANUP(fd_close) int fd = open(found, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 || program_file_read(fd, &program) < 0 || program.kind != PROGRAM_SCRIPT)
            break;
        char *interpreter = realpath(program.interpreter, NULL);
        if (!interpreter)
            break;
        free(found);
        found = interpreter;
    }
    return TAKE(found);
}
