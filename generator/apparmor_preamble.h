/* SPDX-License-Identifier: Apache-2.0 */
/* What stands before the profiles of a file, and includes anywhere (apparmor_preamble.c,
 * apparmor_include.c). */
#pragma once

#include "generator/apparmor_private.h"

enum { PROFILES_MAX = 1 << 16 };

/* "@{X} = a b", "$X = true". 1 if there was one, 0 (and nothing is read) if there is none. */
int preamble_assignment(Parser *parser, Lexer *lexer);

/* Behind "alias": "FROM -> TO,". */
int preamble_alias(Parser *parser, Lexer *lexer);

/* Behind "abi": "<…>,". */
int preamble_abi(const Parser *parser, Lexer *lexer);

/* Behind "include", which is FIRST. */
int preamble_include(Parser *parser, Lexer *lexer, const LexToken *first, size_t profile);

/* Behind "if": "not", "defined @{X}", "$X". 1, 0 or an error. */
int preamble_truth(const Parser *parser, Lexer *lexer);

/* Reads TEXT, which is the file NAME, as if it stood in PROFILE or outside (apparmor_read.c). */
int parser_text_in(Parser *parser, const char *name, const char *text, size_t length,
                   size_t profile);
