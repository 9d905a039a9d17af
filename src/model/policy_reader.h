/* SPDX-License-Identifier: Apache-2.0 */
/* What the parser of policies (policy_parse.c) and those who keep their text (policy_text.c) share.
 */
#pragma once

#include "model/policy_text.h"

#include <yaml.h>

enum {
    POLICY_SIZE_MAX = 256 * 1024 * 1024,
    POLICY_SCALAR_MAX = 64 * 1024,
    POLICY_RULES_MAX = 2 * 1000 * 1000,
};

/* Offsets are in bytes of the text. */
typedef struct TextItem {
    PolicyPlace place; /* of a rule */
    Arch arch;         /* of an architecture */
    size_t begin, end;
    bool removed;
    bool changed;    /* … to the same rule with ACCESS */
    uint32_t access; /* of a file rule */
} TextItem;

typedef enum TextForm {
    TEXT_ABSENT,
    TEXT_EMPTY, /* a key with nothing behind */
    TEXT_BLOCK, /* a line, or several, an item */
    TEXT_FLOW,  /* [a, b] */
} TextForm;

typedef struct TextList {
    TextForm form;
    size_t begin;  /* end of the key; of a flow list what follows the bracket */
    size_t end;    /* of all of it */
    size_t indent; /* column of a block's dashes, or where they would be */
    TextItem *items;
    size_t count, capacity;
} TextList;

struct PolicyText {
    char *name;
    char *bytes;
    size_t length;
    Policy *policy;
    TextList sections[POLICY_SECTION_COUNT];
    TextList archs;
    bool flow;                   /* the whole document is {…} */
    size_t indent;               /* column of its keys */
    size_t head_end;             /* of the last key that is no section */
    size_t end;                  /* of the last key */
    size_t root_begin, root_end; /* the value of read-only-root; equal if it is not there */
    PolicyRule *added;
    size_t added_count, added_capacity;
    uint32_t archs_added; /* bit i: Arch i */
    bool open_root;
};

typedef struct PolicyReader {
    yaml_parser_t parser;
    yaml_event_t event; /* the one looked at; deleted before the next is taken */
    bool has_event;
    const char *name;
    Policy *policy;
    uint32_t keys_seen;
    Error *err;
    PolicyText *text;    /* NULL: nobody wants to know where things are */
    size_t at, at_index; /* a byte of the text, and which character it is */
    size_t content_end;  /* of the events so far; comments and blanks are none */
} PolicyReader;

/* ---- events, policy_reader.c; all complain with file, line and column -------------------------
 */

/* Puts where MARK is before what the reader's error says already. Gives CODE. */
int reader_at_mark(PolicyReader *reader, const yaml_mark_t *mark, int code);

/* Says what is wrong with the event looked at. FORMAT has one %s, for DETAIL. */
int reader_complain(PolicyReader *reader, const char *format, const char *detail)
    __attribute__((format(printf, 2, 0)));

/* Says what is wrong with TEXT, which is none of WORDS (ended by NULL), and what was perhaps meant:
 * "\"TEXT\" WRONG; did you mean \"word\"?" */
int reader_complain_word(PolicyReader *reader, const char *text, const char *wrong,
                         const char *const *words);

/* Moves on. */
int reader_next(PolicyReader *reader);

/* Moves on and wants an event of TYPE there. */
int reader_next_is(PolicyReader *reader, yaml_event_type_t type, const char *what);

/* The text of the scalar looked at, without NUL inside, or NULL with a complaint. */
const char *reader_scalar(PolicyReader *reader, const char *what);
const char *reader_next_scalar(PolicyReader *reader, const char *what);

/* ---- places: nothing happens where nobody wants to know ----------------------------------------
 */

/* The event looked at begins here. */
size_t reader_begin(PolicyReader *reader);

/* The value of LIST begins with the event looked at. */
void reader_list_begin(PolicyReader *reader, TextList *list);
void reader_list_end(const PolicyReader *reader, TextList *list);

/* ITEM, of which only place.rule and arch are set, began at BEGIN, which is MARK, and has ended. 0
 * or -ENOMEM. */
int reader_item(PolicyReader *reader, TextList *list, const TextItem *item, size_t begin,
                const yaml_mark_t *mark);

/* Parses TEXT, LENGTH bytes, as policy_parse(); KEPT (NULL allowed) is told where things are. */
int reader_parse(const char *name, const char *text, size_t length, PolicyText *kept,
                 Policy **ret_policy, Error *err);
