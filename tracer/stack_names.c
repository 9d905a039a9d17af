/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/stack_names.h"

#include "base/memory.h"

#include <dwarf.h>
#include <inttypes.h>

enum { TEXT_MAX = 512, INLINED_MAX = 16 };

void stack_put_text(const char *text, size_t length, Buffer *out)
{
    for (size_t i = 0; i < length && i < TEXT_MAX; i++)
        (void)buffer_putc(out, (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i]);
}

static void put_name(const char *name, Buffer *out)
{
    stack_put_text(name, strnlen(name, TEXT_MAX), out);
}

/* "MODULE+0xADDRESS", the address as the file itself counts. */
static void put_place(Dwfl_Module *module, Dwarf_Addr pc, Buffer *out)
{
    GElf_Addr bias = 0;
    const char *name = dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

    (void)dwfl_module_getelf(module, &bias);
    put_name(name ? name : "?", out);
    (void)buffer_printf(out, "+0x%" PRIx64, (uint64_t)(pc - bias));
}

bool stack_is_of_file(Dwfl_Module *module, Dwarf_Addr pc)
{
    GElf_Addr bias = 0;
    Elf *elf = dwfl_module_getelf(module, &bias);
    GElf_Phdr segment;
    size_t count = 0;

    if (!elf || elf_getphdrnum(elf, &count) < 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_LOAD &&
            pc - bias >= segment.p_vaddr && pc - bias - segment.p_vaddr < segment.p_memsz)
            return true;
    }
    return false;
}

void stack_put_build_id(Dwfl_Module *module, Buffer *out)
{
    const unsigned char *bits = NULL;
    GElf_Addr address;
    const int length = dwfl_module_build_id(module, &bits, &address);

    if (length <= 0 || length > 64)
        return;
    (void)buffer_puts(out, " [");
    for (int i = 0; i < length; i++)
        (void)buffer_printf(out, "%02x", bits[i]);
    (void)buffer_putc(out, ']');
}

static void put_line(const char *file, int line, Buffer *out)
{
    if (!file || line <= 0)
        return;
    (void)buffer_puts(out, " (");
    put_name(file, out);
    (void)buffer_printf(out, ":%d)", line);
}

/* What DIE, or what it is an instance of, has as NAME. */
static Dwarf_Attribute *attribute(Dwarf_Die *die, unsigned name, Dwarf_Attribute *out)
{
    return dwarf_attr_integrate(die, name, out);
}

static const char *die_name(Dwarf_Die *die)
{
    Dwarf_Attribute value;
    const char *name = dwarf_formstring(attribute(die, DW_AT_linkage_name, &value));

    return name ? name : dwarf_formstring(attribute(die, DW_AT_name, &value));
}

/* Where the inlined DIE was called. */
static void call_site(Dwarf_Die *unit, Dwarf_Die *die, const char **file, int *line)
{
    Dwarf_Attribute value;
    Dwarf_Word number = 0;
    Dwarf_Files *files;
    size_t count;

    *file = NULL;
    *line = 0;
    if (dwarf_getsrcfiles(unit, &files, &count) == 0 &&
        dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &value), &number) == 0)
        *file = dwarf_filesrc(files, number, NULL, NULL);
    if (dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &value), &number) == 0)
        *line = number < INT32_MAX ? (int)number : 0;
}

/* Lines of the functions that were inlined where PC is. FILE and LINE are PC's, and become those of
 * the call in the function itself. */
static void put_inlined(Dwfl_Module *module, Dwarf_Addr pc, Dwarf_Addr shown, const char **file,
                        int *line, Buffer *out)
{
    Dwarf_Addr bias = 0;
    Dwarf_Die *unit = dwfl_module_addrdie(module, pc, &bias);
    CLEANUP(free_pointer) Dwarf_Die *innermost = NULL;
    CLEANUP(free_pointer) Dwarf_Die *scopes = NULL;

    if (!unit || dwarf_getscopes(unit, pc - bias, &innermost) <= 0)
        return;
    const int count = dwarf_getscopes_die(&innermost[0], &scopes);
    for (int i = 0, inlined = 0; i < count && inlined < INLINED_MAX; i++) {
        const int tag = dwarf_tag(&scopes[i]);
        if (tag == DW_TAG_subprogram)
            return;
        if (tag != DW_TAG_inlined_subroutine)
            continue;
        const char *name = die_name(&scopes[i]);
        put_place(module, shown, out);
        (void)buffer_puts(out, " inlined ");
        put_name(name ? name : "?", out);
        put_line(*file, *line, out);
        (void)buffer_putc(out, '\n');
        call_site(unit, &scopes[i], file, line);
        inlined++;
    }
}

void stack_names(Dwfl_Module *module, Dwarf_Addr pc, bool called, Buffer *head, Buffer *tail)
{
    const Dwarf_Addr at = called ? pc - 1 : pc;
    GElf_Off offset = 0;
    GElf_Sym symbol;
    int line = 0;

    /* Looks for debug files first, so that symbols are taken from there. */
    Dwfl_Line *source = dwfl_module_getsrc(module, at);
    const char *file = source ? dwfl_lineinfo(source, NULL, &line, NULL, NULL, NULL) : NULL;
    put_inlined(module, at, pc, &file, &line, head);
    const char *name = dwfl_module_addrinfo(module, at, &offset, &symbol, NULL, NULL, NULL);
    put_place(module, pc, head);
    if (name) {
        (void)buffer_putc(tail, ' ');
        put_name(name, tail);
        (void)buffer_printf(tail, "+0x%" PRIx64, (uint64_t)offset + called);
    }
    put_line(file, line, tail);
}
