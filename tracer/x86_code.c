/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer/x86_code.h"

#include <string.h>

/* What follows an opcode, and what the instruction does. "rm" is the operand that ModRM gives as a
 * register or memory, "reg" the one that is always a register. */
typedef enum Form {
    NOT_KNOWN,
    CHANGE_RM,      /* ModRM: rm, by reg */
    CHANGE_BYTE,    /* ModRM: a byte of rm */
    CHANGE_RM_BYTE, /* ModRM, constant of a byte: a byte of rm */
    CHANGE_RM_8,    /* ModRM, constant of a byte: rm */
    CHANGE_RM_32,   /* ModRM, constant of four bytes: rm */
    CHANGE_REG,     /* ModRM: reg, by rm */
    COPY_TO_RM,     /* ModRM */
    COPY_TO_REG,    /* ModRM */
    SET_RM,         /* ModRM, constant of four bytes */
    SET_REG,        /* constant of four bytes, or of eight with REX.W; the register in the opcode */
    STEP_REG,       /* the register in the opcode */
    PUSH_REG,       /* the register in the opcode */
    POP_REG,        /* the register in the opcode */
    PUSH_8,         /* constant of a byte */
    PUSH_32,        /* constant of four bytes */
    READ_RM,        /* ModRM: writes no general register */
    STORE_RM,       /* ModRM: no general register into rm */
} Form;

static const uint8_t forms[256] = {
    [0x01] = CHANGE_RM,  /* add */
    [0x03] = CHANGE_REG, /* add */
    [0x09] = CHANGE_RM,  /* or */
    [0x0b] = CHANGE_REG, /* or */
    [0x21] = CHANGE_RM,  /* and */
    [0x23] = CHANGE_REG, /* and */
    [0x29] = CHANGE_RM,  /* sub */
    [0x2b] = CHANGE_REG, /* sub */
    [0x31] = CHANGE_RM,  /* xor */
    [0x33] = CHANGE_REG, /* xor */
    [0x39] = READ_RM,    /* cmp */
    [0x3b] = READ_RM,    /* cmp */
    [0x50] = PUSH_REG,       [0x51] = PUSH_REG, [0x52] = PUSH_REG,       [0x53] = PUSH_REG,
    [0x54] = PUSH_REG,       [0x55] = PUSH_REG, [0x56] = PUSH_REG,       [0x57] = PUSH_REG,
    [0x58] = POP_REG,        [0x59] = POP_REG,  [0x5a] = POP_REG,        [0x5b] = POP_REG,
    [0x5c] = POP_REG,        [0x5d] = POP_REG,  [0x5e] = POP_REG,        [0x5f] = POP_REG,
    [0x63] = CHANGE_REG,                                                 /* movslq, 64 bits only */
    [0x68] = PUSH_32,        [0x6a] = PUSH_8,   [0x80] = CHANGE_RM_BYTE, /* and, xor, ... */
    [0x81] = CHANGE_RM_32,                                               /* and, xor, ... */
    [0x83] = CHANGE_RM_8,                                                /* and, xor, ... */
    [0x84] = READ_RM,                                                    /* test of bytes */
    [0x85] = READ_RM,                                                    /* test */
    [0x89] = COPY_TO_RM,                                                 /* mov */
    [0x8b] = COPY_TO_REG,                                                /* mov */
    [0x8d] = CHANGE_REG,                                                 /* lea */
    [0xb8] = SET_REG,        [0xb9] = SET_REG,  [0xba] = SET_REG,        [0xbb] = SET_REG,
    [0xbc] = SET_REG,        [0xbd] = SET_REG,  [0xbe] = SET_REG,        [0xbf] = SET_REG,
    [0xc1] = CHANGE_RM_8,    /* shl, shr, ... */
    [0xc6] = CHANGE_RM_BYTE, /* mov */
    [0xc7] = SET_RM,         /* mov */
};

/* Behind 0x0f. */
static const uint8_t forms_0f[256] = {
    [0x10] = READ_RM,                                                /* movups */
    [0x11] = STORE_RM,                                               /* movups */
    [0x28] = READ_RM,                                                /* movaps */
    [0x29] = STORE_RM,                                               /* movaps */
    [0x42] = CHANGE_REG,  [0x43] = CHANGE_REG,  [0x44] = CHANGE_REG, /* cmovb, cmovae, cmove */
    [0x45] = CHANGE_REG,  [0x46] = CHANGE_REG,  [0x47] = CHANGE_REG, /* cmovne, cmovbe, cmova */
    [0x94] = CHANGE_BYTE, [0x95] = CHANGE_BYTE,                      /* sete, setne */
    [0xb6] = CHANGE_REG,                                             /* movzx of a byte */
    [0xb7] = CHANGE_REG,                                             /* movzx of two */
    [0xbe] = CHANGE_REG,                                             /* movsx of a byte */
    [0xbf] = CHANGE_REG,                                             /* movsx of two */
};

enum { REX_B = 1, REX_X = 2, REX_R = 4, REX_W = 8 };

/* The operands that ModRM and what follows it give. */
typedef struct Operands {
    size_t length;  /* of ModRM, SIB and distance */
    unsigned reg;   /* with REX.R */
    unsigned rm;    /* with REX.B, if it is a register */
    bool is_memory; /* rm is */
    bool is_stack;  /* rm is DISTANCE from the stack pointer */
    int32_t distance;
} Operands;

static int32_t read_8(const uint8_t *at)
{
    return (int32_t)(*at ^ 0x80u) - 0x80;
}

static int32_t read_32(const uint8_t *at)
{
    int32_t value;

    memcpy(&value, at, sizeof value);
    return value;
}

static Operands read_operands(const uint8_t *at, uint8_t rex)
{
    enum { REGISTER = 3, WITH_SIB = 4, NO_BASE = 5, NO_INDEX = 4 };
    const unsigned mode = at[0] >> 6;
    const unsigned low = at[0] & 7u;
    Operands operands = {.length = 1,
                         .reg = (at[0] >> 3 & 7u) | (rex & REX_R ? 8 : 0),
                         .rm = low | (rex & REX_B ? 8 : 0),
                         .is_memory = mode != REGISTER};

    if (!operands.is_memory)
        return operands;
    unsigned base = low;
    if (low == WITH_SIB) {
        const uint8_t sib = at[operands.length++];
        base = sib & 7u;
        operands.is_stack =
            base == X86_SP && (sib >> 3 & 7u) == NO_INDEX && !(rex & (REX_B | REX_X));
    }
    if (mode == 1) {
        operands.distance = read_8(at + operands.length);
        operands.length += 1;
    } else if (mode == 2 || base == NO_BASE) {
        operands.distance = read_32(at + operands.length);
        operands.length += 4;
    }
    return operands;
}

static uint32_t bit(unsigned number)
{
    return UINT32_C(1) << number;
}

/* RM of OPERANDS is written, from SOURCE. */
static void write_rm(const Operands *operands, X86Source source, int64_t value,
                     X86Instruction *instruction)
{
    instruction->stores = operands->is_memory;
    if (operands->is_memory)
        return;
    instruction->written = bit(operands->rm);
    instruction->source = source;
    instruction->value = value;
}

static void copy_to_reg(const Operands *operands, X86Instruction *instruction)
{
    instruction->written = bit(operands->reg);
    if (!operands->is_memory) {
        instruction->source = X86_REGISTER;
        instruction->value = operands->rm;
    } else if (operands->is_stack) {
        instruction->source = X86_STACK;
        instruction->value = operands->distance;
    }
}

/* Arithmetic of RM with REG; what a register gives with itself is 0 for xor and sub. */
static void change_rm(uint8_t opcode, const Operands *operands, X86Instruction *instruction)
{
    const bool clears = (opcode == 0x31 || opcode == 0x29) && operands->rm == operands->reg;

    write_rm(operands, clears ? X86_CONSTANT : X86_COMPUTED, 0, instruction);
}

/* Without REX the upper four numbers of a byte are the second bytes of the lower four registers. */
static void change_byte(const Operands *operands, uint8_t rex, X86Instruction *instruction)
{
    write_rm(operands, X86_COMPUTED, 0, instruction);
    if (!rex && !operands->is_memory)
        instruction->written = bit(operands->rm & 3);
}

/* Forms with ModRM, of which AT is the first byte. The length gets what follows the opcode. */
static bool decode_operands(Form form, uint8_t opcode, const uint8_t *at, uint8_t rex,
                            X86Instruction *instruction)
{
    const Operands operands = read_operands(at, rex);

    instruction->length = operands.length;
    switch (form) {
    case CHANGE_RM:
        change_rm(opcode, &operands, instruction);
        return true;
    case CHANGE_RM_BYTE:
        instruction->length += 1;
        change_byte(&operands, rex, instruction);
        return true;
    case CHANGE_BYTE:
        change_byte(&operands, rex, instruction);
        return true;
    case CHANGE_RM_8:
        instruction->length += 1;
        write_rm(&operands, X86_COMPUTED, 0, instruction);
        return true;
    case CHANGE_RM_32:
        instruction->length += 4;
        write_rm(&operands, X86_COMPUTED, 0, instruction);
        return true;
    case CHANGE_REG:
        instruction->written = bit(operands.reg);
        return true;
    case COPY_TO_RM:
        write_rm(&operands, X86_REGISTER, operands.reg, instruction);
        return true;
    case COPY_TO_REG:
        copy_to_reg(&operands, instruction);
        return true;
    case SET_RM:
        instruction->length += 4;
        write_rm(&operands, X86_CONSTANT, read_32(at + operands.length), instruction);
        return (at[0] >> 3 & 7u) == 0;
    case READ_RM:
        return true;
    case STORE_RM:
        instruction->stores = true;
        return true;
    default:
        return false;
    }
}

/* Forms without. AT is behind the opcode. */
static bool decode_plain(Form form, uint8_t opcode, const uint8_t *at, uint8_t rex,
                         X86Instruction *instruction)
{
    const unsigned number = (opcode & 7u) | (rex & REX_B ? 8 : 0);

    switch (form) {
    case SET_REG:
        instruction->length = rex & REX_W ? 8 : 4;
        instruction->written = bit(number);
        if (!(rex & REX_W)) {
            instruction->source = X86_CONSTANT;
            instruction->value = read_32(at);
        }
        return true;
    case STEP_REG:
        instruction->written = bit(number);
        return true;
    case POP_REG:
        instruction->written = bit(X86_SP) | bit(number);
        return true;
    case PUSH_32:
    case PUSH_8:
    case PUSH_REG:
        instruction->length = form == PUSH_32 ? 4 : form == PUSH_8 ? 1 : 0;
        instruction->written = bit(X86_SP);
        instruction->stores = true;
        return true;
    default:
        return false;
    }
}

/* `test` of a register with itself (AT is behind the opcode) and `jne`, taken as one instruction:
 * where it goes on to the next one, the register is 0. */
static bool decode_zero_test(const uint8_t *at, uint8_t rex, X86Instruction *instruction)
{
    enum { JNE_8 = 0x75, ESCAPE = 0x0f, JNE_32 = 0x85 };
    const Operands operands = read_operands(at, rex);
    const uint8_t *next = at + operands.length;

    if (operands.is_memory || operands.rm != operands.reg)
        return false;
    if (next[0] == JNE_8)
        instruction->length = operands.length + 2;
    else if (next[0] == ESCAPE && next[1] == JNE_32)
        instruction->length = operands.length + 6;
    else
        return false;
    write_rm(&operands, X86_CONSTANT, 0, instruction);
    return true;
}

bool x86_decode(const uint8_t *code, bool is_64, X86Instruction *ret_instruction)
{
    enum { MOVSLQ = 0x63, TEST = 0x85 };
    X86Instruction instruction = {0};
    const uint8_t rex = is_64 && x86_is_rex(*code) ? *code : 0;
    const uint8_t *at = rex ? code + 1 : code;
    const bool is_escape = *at == 0x0f;

    if (is_escape)
        at++;
    const uint8_t opcode = *at++;
    Form form = (Form)(is_escape ? forms_0f : forms)[opcode];
    if (!is_64 && !is_escape && x86_is_rex(opcode))
        form = STEP_REG;
    if (!is_64 && !is_escape && opcode == MOVSLQ) /* there it is arpl */
        form = NOT_KNOWN;
    if ((is_escape || opcode != TEST || !decode_zero_test(at, rex, &instruction)) &&
        !decode_operands(form, opcode, at, rex, &instruction)) {
        instruction = (X86Instruction){0};
        if (!decode_plain(form, opcode, at, rex, &instruction))
            return false;
    }
    instruction.length += (size_t)(at - code);
    *ret_instruction = instruction;
    return true;
}
