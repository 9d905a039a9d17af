/* SPDX-License-Identifier: Apache-2.0 */
/* `whittle import FILE`: other programs' profiles and logs to a policy or a recording. */
#include "base/io.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/output.h"
#include "generator/import.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)1 << 30)

static int import_file(const Parsed *parsed, Buffer *notes, Error *err)
{
    CLEANUP(buffer_deinit) Buffer text = BUFFER_INIT;
    CLEANUP(buffer_deinit) Buffer out = BUFFER_INIT;
    CLEANUP(imported_deinit) Imported imported = {0};
    const char *path = parsed->arguments[0];
    const char *form = parsed_value(parsed, "from", NULL);
    int r = read_file(path, &text, INPUT_MAX, err);

    if (r < 0)
        return r;
    const char *include[] = {parsed_value(parsed, "include", NULL), "/etc/apparmor.d"};
    const ImportSource source = {.name = strcmp(path, "-") == 0 ? "standard input" : path,
                                 .text = buffer_text(&text),
                                 .length = text.length,
                                 .profile = parsed_value(parsed, "profile", NULL),
                                 .include = include,
                                 .include_count = include[0] ? 2 : 0};
    r = import_text(&source, form, NULL, &imported, notes, err);
    if (r < 0)
        return r;
    r = imported.policy ? policy_print(imported.policy, &out)
                        : recording_print(imported.recording, &out);
    if (r < 0)
        return error_errno(err, r, "cannot print what was imported");
    return write_file_atomic(parsed_value(parsed, "output", "-"), buffer_text(&out), out.length,
                             err);
}

static int run(const Parsed *parsed)
{
    CLEANUP(buffer_deinit) Buffer notes = BUFFER_INIT;
    Error err = {0};
    const int r = import_file(parsed, &notes, &err);

    if (!parsed_flag(parsed, "quiet"))
        message_notes(&notes);
    if (r < 0)
        return fail(r == -ENOTSUP ? EXIT_MACHINE : EXIT_USAGE, &err);
    return EXIT_YES;
}

static const Option options[] = {
    {"from", 'f', VALUE_WORDS, "FORM", "apparmor audit bane seccomp spo strace",
     "what FILE is, where its content does not tell"},
    {"include", 'I', VALUE_FOLDER, "DIR", NULL,
     "where AppArmor's \"include <...>\" looks first, then in /etc/apparmor.d"},
    {"output", 'o', VALUE_FILE, "FILE", NULL,
     "write the result to FILE (standard output if not given)"},
    {"profile", 'p', VALUE_TEXT, "NAME", NULL, "which profile, where FILE has several"},
    {"quiet", 'q', VALUE_NONE, NULL, NULL, "do not print notes"},
    {0},
};

const Command command_import = {
    .name = "import",
    .summary = "Turn another program's profile or log into a policy or a recording",
    .usage = "[--from FORM] [-I DIR] [--profile NAME] FILE [-o FILE]",
    .options = options,
    .details =
        "What FILE is, is found by its content. Every rule of the result says where it comes from "
        "(`reason`), and notes on standard error say what could not be carried over.\n\n"
        "bane: the TOML files of bane. The policy allows what they list and nothing else, while "
        "the profiles that bane makes allow every file that is not denied; the system calls are "
        "those of Docker's default.\n\n"
        "seccomp: profiles in JSON of Docker, Podman and the OCI specification become a policy of "
        "system calls, for a container with Docker's default capabilities.\n\n"
        "apparmor: a profile becomes a policy without system calls, with its includes and "
        "variables "
        "expanded; each rule that a policy cannot say is told. Of several profiles --profile takes "
        "one, PARENT//NAME for a hat or child.\n\n"
        "spo: SeccompProfile and AppArmorProfile, resources of the Security Profiles Operator in "
        "YAML.\n\n"
        "strace: its logs, best of `strace -f -y`, become a recording, to be given to `whittle "
        "generate` alone or with others. It is never complete, since strace tells neither "
        "capabilities nor what the kernel opens by itself.\n\n"
        "audit: logs of the kernel's audit system (auditd's audit.log, dmesg, journald) become a "
        "recording of what AppArmor denied, or allowed in complain mode, and of what seccomp "
        "refused or logged. Labels tell which profile did.\n\n"
        "docs/HOWTO_IMPORT.md says what becomes of each part. `-` is standard input.\n\n"
        "Exit status: 0 if FILE was imported, with or without notes; 2 on wrong usage or "
        "input; 3 if this whittle was built without what reads FILE.\n\n"
        "Examples:\n"
        "  whittle import nginx.toml -o policy.yaml\n"
        "  whittle generate policy.yaml -o profile\n"
        "  whittle import strace.log -o strace.jsonl",
    .arguments = VALUE_FILE,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run,
};
