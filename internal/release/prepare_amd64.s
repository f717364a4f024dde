#include "textflag.h"

// func prepare(p unsafe.Pointer, lines uint64)
TEXT ·prepare(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), AX
	MOVQ lines+8(FP), CX

again:
	BYTE $0x0f; BYTE $0x0d; BYTE $0x08 // PREFETCHW (AX)
	ADDQ $64, AX
	SUBQ $1, CX
	JHI  again
	RET
