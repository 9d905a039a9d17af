/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a policy that hold no rule: the keys that there are once, headings, comments. */
#include "base/escape.h"
#include "base/memory.h"
#include "generator/explain_private.h"
#include "generator/fact_words.h"
#include "generator/knowledge.h"

#include <errno.h>

/* Line LINE of the policy's text and its length, without its end; NULL past the last. */
static const char *line_at(const ExplainInput *input, size_t line, size_t *ret_length)
{
    const char *at = buffer_text(&input->policy_bytes);
    const char *end = at + input->policy_bytes.length;

    for (; at < end && line > 1; line--) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline ? newline + 1 : end;
    }
    if (at >= end || line == 0)
        return NULL;
    *ret_length = strcspn(at, "\r\n");
    return at;
}

bool explain_line_continues(const ExplainInput *input, size_t begin, size_t line)
{
    size_t length = 0;

    for (size_t i = begin + 1; begin > 0 && i <= line; i++) {
        const char *text = line_at(input, i, &length);
        const size_t blanks = text ? strspn(text, " ") : 0;
        /* Something else begins: a key, a comment, an empty line, an item. */
        if (!text || blanks == 0 || blanks >= length || text[blanks] == '#' ||
            strncmp(text + blanks, "- ", 2) == 0)
            return false;
    }
    return begin > 0;
}

/* ---- keys ----------------------------------------------------------------------------------- */

static int note_user(const ExplainInput *input, Buffer *out)
{
    for (uint32_t i = 0; input->recording && i < recording_runs_count(input->recording); i++) {
        const Run *run = recording_run(input->recording, i);
        (void)buffer_printf(out, "run %u was started as ", i + 1);
        fact_words_text(out, run->user ? run->user : "?");
        (void)buffer_putc(out, '\n');
    }
    return out->error;
}

static int note_privileges(const ExplainInput *input, Buffer *out)
{
    size_t with = 0;

    if (!input->recording)
        return 0;
    const size_t runs = recording_runs_count(input->recording);
    for (uint32_t i = 0; i < runs; i++)
        with += recording_run(input->recording, i)->no_new_privs;
    return buffer_printf(out, "%zu of %zu runs were made with no_new_privs\n", with, runs);
}

static int note_archs(const ExplainInput *input, Buffer *out)
{
    size_t counts[32] = {0};
    Fact view;

    for (size_t i = 0; input->recording && i < recording_facts_count(input->recording); i++) {
        const Fact *fact = recording_fact(input->recording, i, &view);
        const char *name = fact->kind == FACT_SYSCALL ? fact_text(fact, FIELD_ARCH) : NULL;
        const int arch = name ? arch_from_name(name) : -1;
        if (arch >= 0 && (size_t)arch < ARRAY_LENGTH(counts))
            counts[arch]++;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
        if (counts[i])
            (void)buffer_printf(out, "%zu facts of system calls are of %s\n", counts[i],
                                arch_name((Arch)i));
    }
    return out->error;
}

/* Different calls of RUNTIME under the filter. */
static size_t count_runtime_calls(const char *runtime)
{
    CLEANUP(strset_cleanup) StringSet *calls = strset_new();

    for (size_t i = 0; calls && i < runtime_calls_count; i++) {
        if (strcmp(runtime_calls[i].runtime, runtime) == 0)
            (void)strset_add(calls, runtime_calls[i].syscall);
    }
    return calls ? strset_count(calls) : 0;
}

static int note_runtimes(const ExplainInput *input, Buffer *out)
{
    const Policy *policy = policy_text_policy(input->policy);

    for (size_t i = 0; i < policy_runtimes_count(policy); i++) {
        fact_words_text(out, policy_runtime(policy, i));
        (void)buffer_printf(out,
                            ": makes %zu different system calls under the filter, to start a "
                            "container and for exec (start-up set, profiles/runtimes)\n",
                            count_runtime_calls(policy_runtime(policy, i)));
    }
    return out->error;
}

static const struct KeyWords {
    const char *key;
    const char *meaning;
    int (*note)(const ExplainInput *, Buffer *);
} keys[] = {
    {"whittle", "says that this file is a policy", NULL},
    {"format", "the version of the format, docs/FORMATS.md", NULL},
    {"name", "how the profiles are called; `whittle generate` takes the command's name, or --name",
     NULL},
    {"architectures", "only system calls of these are let through: those that were recorded",
     note_archs},
    {"runtimes",
     "seccomp.json also lets through what these container runtimes need, though no rule says so",
     note_runtimes},
    {"user", "whom the workload was started as while it was recorded", note_user},
    {"deny-action", "what answers a system call that no rule names", NULL},
    {"read-only-root",
     "true where all that was written can be a tmpfs or volume; their lines say what was written",
     NULL},
    {"no-new-privileges", "true where every recorded run had it", note_privileges},
    {"limits", "limits of resources: written by hand, whittle makes none", NULL},
};

static int note_section(const ExplainInput *input, int section, size_t line, Buffer *out)
{
    const Policy *policy = policy_text_policy(input->policy);
    size_t first, end;

    policy_range(policy, (PolicySection)section, &first, &end);
    return buffer_printf(out, "line %zu begins the section %s, of %zu rules: ask for one of them\n",
                         line, policy_section_name((PolicySection)section), end - first);
}

int explain_plain_line(const ExplainInput *input, size_t line, Explanation *explanation)
{
    char key[32] = "";
    size_t length = 0;
    const char *text = line_at(input, line, &length);
    Buffer *out = &explanation->notes;

    if (!text)
        return 0;
    const size_t blanks = strspn(text, " \t");
    if (blanks >= length)
        return buffer_printf(out, "line %zu is empty\n", line);
    if (text[blanks] == '#')
        return buffer_printf(out, "line %zu is a comment, written by hand or by whittle\n", line);
    const size_t word = strcspn(text, ":");
    if (word < length && word < sizeof key) {
        memcpy(key, text, word);
        const int section = policy_section_from_name(key);
        if (section >= 0)
            return note_section(input, section, line, out);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        if (strcmp(keys[i].key, key) != 0)
            continue;
        (void)buffer_puts(out, key);
        (void)buffer_printf(out, ": %s\n", keys[i].meaning);
        return keys[i].note ? keys[i].note(input, out) : out->error;
    }
    (void)buffer_printf(out, "line %zu holds no rule: ", line);
    (void)escape_append(out, text + blanks, length - blanks);
    return buffer_putc(out, '\n');
}
