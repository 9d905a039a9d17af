/* SPDX-License-Identifier: Apache-2.0 */
/* All text symbols are read, since each ends where the next begins; only wanted ones are kept. */
#include "tracer/bpf_symbols.h"

#include "base/memory.h"
#include "base/strset.h"

#include <errno.h>
#include <inttypes.h>

typedef struct Symbol {
    uint64_t address;
    const char *name; /* NULL: only the end of the one before */
} Symbol;

struct KernelSymbols {
    Symbol *rows; /* by address */
    size_t count;
    StringSet *names;
};

enum { NAME_SIZE = 128, LINE_SIZE = 1024 };

void kernel_symbol_name(const char *text, char *out, size_t size)
{
    static const char *const faces[] = {"__do_sys_",   "__se_sys_",    "__x64_sys_",
                                        "__ia32_sys_", "__arm64_sys_", "__x32_compat_sys_"};
    const char *prefix = "";
    const char *name = text;
    size_t length;

    for (size_t i = 0; i < ARRAY_LENGTH(faces); i++) {
        if (strncmp(text, faces[i], strlen(faces[i])) == 0) {
            prefix = "sys_";
            name = text + strlen(faces[i]);
        }
    }
    length = strcspn(name, ".");
    if (length == 0)
        length = strlen(name);
    (void)snprintf(out, size, "%s%.*s", prefix, (int)length, name);
}

static int compare(const void *left, const void *right)
{
    const Symbol *a = left;
    const Symbol *b = right;

    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    /* Of two names for one place the wanted one comes last, and is what an address is found in. */
    return (a->name != NULL) - (b->name != NULL);
}

/* "ffffffff81000000 T name\t[module]". False for what is no function. */
static bool parse(char *line, uint64_t *ret_address, char **ret_name)
{
    char *end;

    const uint64_t address = strtoull(line, &end, 16);
    if (end == line || end[0] != ' ' || !end[1] || !strchr("tTwW", end[1]) || end[2] != ' ')
        return false;
    end += 3;
    end[strcspn(end, "\t\n ")] = '\0';
    if (!*end)
        return false;
    *ret_address = address;
    *ret_name = end;
    return true;
}

static int add(KernelSymbols *symbols, size_t *capacity, uint64_t address, const char *name)
{
    const int r = array_reserve(&symbols->rows, capacity, symbols->count, sizeof(Symbol));

    if (r == 0)
        symbols->rows[symbols->count++] = (Symbol){address, name};
    return r;
}

/* Keeps each wanted symbol and the address behind it. */
static void thin_out(KernelSymbols *symbols)
{
    size_t kept = 0;

    for (size_t i = 0; i < symbols->count; i++) {
        if (symbols->rows[i].name || (kept > 0 && symbols->rows[kept - 1].name))
            symbols->rows[kept++] = symbols->rows[i];
    }
    symbols->count = kept;
    Symbol *less = kept ? realloc(symbols->rows, kept * sizeof *less) : NULL;
    if (less)
        symbols->rows = less;
}

static int read_lines(KernelSymbols *symbols, FILE *file, KernelSymbolWanted *wanted, void *data)
{
    char line[LINE_SIZE];
    char name[NAME_SIZE];
    size_t capacity = 0;
    uint64_t highest = 0;

    while (fgets(line, sizeof line, file)) {
        uint64_t address;
        char *text;
        const char *kept = NULL;
        if (!parse(line, &address, &text))
            continue;
        kernel_symbol_name(text, name, sizeof name);
        if (wanted(data, name) && !(kept = strset_add(symbols->names, name)))
            return -ENOMEM;
        const int r = add(symbols, &capacity, address, kept);
        if (r < 0)
            return r;
        highest = address > highest ? address : highest;
    }
    if (ferror(file))
        return -EIO;
    return highest ? 0 : -ENODATA;
}

int kernel_symbols_read(FILE *file, KernelSymbolWanted *wanted, void *data,
                        KernelSymbols **ret_symbols)
{
    KernelSymbols *symbols = calloc(1, sizeof *symbols);

    if (!symbols)
        return -ENOMEM;
    symbols->names = strset_new();
    const int r = symbols->names ? read_lines(symbols, file, wanted, data) : -ENOMEM;
    if (r < 0) {
        kernel_symbols_free(symbols);
        return r;
    }
    qsort(symbols->rows, symbols->count, sizeof *symbols->rows, compare);
    thin_out(symbols);
    *ret_symbols = symbols;
    return 0;
}

KernelSymbols *kernel_symbols_free(KernelSymbols *symbols)
{
    if (symbols) {
        free(symbols->rows);
        strset_free(symbols->names);
        free(symbols);
    }
    return NULL;
}

const char *kernel_symbols_find(const KernelSymbols *symbols, uint64_t address)
{
    size_t from = 0;
    size_t to = symbols->count;

    /* The last row that begins at or before ADDRESS. */
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        if (symbols->rows[middle].address <= address)
            from = middle + 1;
        else
            to = middle;
    }
    return from > 0 ? symbols->rows[from - 1].name : NULL;
}
