/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comments of a policy's text, and on which lines its keys stand: what the policy itself does not
 * keep.
 */
#pragma once

#include "base/error.h"
#include "model/policy_text.h"

typedef struct PolicyComment {
    size_t line;   /* from 1 */
    size_t column; /* of the "#", in bytes from 1 */
    bool alone;    /* nothing but blanks before it on its line */
    char *text;    /* owned: what follows the "#", blanks at both ends taken off */
} PolicyComment;

typedef struct PolicyComments {
    PolicyComment *items; /* in the order of the text */
    size_t count, capacity;
} PolicyComments;

void policy_comments_deinit(PolicyComments *comments);

/* The comments of TEXT, as it was read, in which WORD stands. 0, or -ENOMEM with *RET_COMMENTS
 * untouched. */
int policy_comments_find(const PolicyText *text, const char *word, PolicyComments *ret_comments);

/* The line on which KEY of the policy stands, from 1; 0: it is not there. In "{…}" all are where
 * that begins. */
size_t policy_text_key_line(const PolicyText *text, const char *key);
