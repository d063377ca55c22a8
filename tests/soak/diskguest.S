/* SPDX-License-Identifier: MIT */
/*
 * A guest in one boot sector, of BLOCKS blocks, for VMs whose threads compete: the second CPU spins, the first writes a
 * pattern to the disk, block by block, reads each one back and compares, pass after pass, until a byte
 * comes in on the serial line. Then it writes down the number of the last pass and ends the VM through
 * isa-debug-exit: QEMU's exit code is 1, or 33 where the disk failed or had other bytes.
 *
 * diskguest.py says what is on the disk then.
 */
	.code16
	.globl start

	.set DRAFT, 0x2000     /* segment of what is written, 32 KiB */
	.set BACK, 0x3000      /* segment of what came back */
	.set SECTORS, 64       /* of a block */
	.set FIRST, 64         /* sector of the first block */
	.set NOTE, 1           /* sector of the number of passes */
	.set EXIT, 0x501       /* isa-debug-exit */
	.set LINE_STATUS, 0x3fd
	.set APIC_COMMAND, 0xfee00300

start:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	movw	$0x7c00, %sp
	movb	%dl, drive

	/* What the other CPUs do: jmp to itself, at the page that the startup message names. */
	movw	$0xfeeb, 0x8000
	/* %fs reaches the interrupt controller: a descriptor without limit stays loaded. */
	lgdtl	table
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	movw	$8, %bx
	movw	%bx, %fs
	andb	$0xfe, %al
	movl	%eax, %cr0
	movl	$APIC_COMMAND, %edi
	movl	$0x000c4500, %fs:(%edi)
	call	wait
	movl	$0x000c4608, %fs:(%edi)
	call	wait
	movl	$0x000c4608, %fs:(%edi)
	sti

	movl	$1, %ebp
pass:
	xorl	%esi, %esi
block:
	/* pass * A + block * B, and C more with each word */
	imull	$0x9e3779b1, %ebp, %eax
	imull	$0x85ebca6b, %esi, %ebx
	addl	%ebx, %eax
	movw	$DRAFT, %dx
	movw	%dx, %es
	xorw	%di, %di
	movw	$(SECTORS * 128), %cx
fill:
	stosl
	addl	$0x01000193, %eax
	loop	fill

	imull	$SECTORS, %esi, %eax
	addl	$FIRST, %eax
	movl	%eax, sector
	movw	$SECTORS, count
	movw	$DRAFT, segment
	movw	$0x4300, %ax
	call	disk
	movw	$BACK, segment
	movw	$0x4200, %ax
	call	disk
	call	compare

	incl	%esi
	cmpl	$BLOCKS, %esi
	jb	block
	movw	$LINE_STATUS, %dx
	inb	%dx, %al
	testb	$1, %al
	jnz	end
	incl	%ebp
	jmp	pass

end:
	movw	$DRAFT, %ax
	movw	%ax, %es
	movl	%ebp, %es:0
	movl	$NOTE, sector
	movw	$1, count
	movw	$DRAFT, segment
	movw	$0x4300, %ax
	call	disk
	xorb	%al, %al
	jmp	leave
fault:
	movb	$0x10, %al
leave:
	movw	$EXIT, %dx
	outb	%al, %dx
halt:
	hlt
	jmp	halt

disk:
	pushl	%esi
	pushl	%ebp
	movb	drive, %dl
	movw	$packet, %si
	int	$0x13
	popl	%ebp
	popl	%esi
	jc	fault
	ret

compare:
	pushl	%esi
	movw	$DRAFT, %ax
	movw	%ax, %ds
	movw	$BACK, %ax
	movw	%ax, %es
	xorw	%si, %si
	xorw	%di, %di
	movw	$(SECTORS * 128), %cx
	repe cmpsl
	movw	$0, %ax
	movw	%ax, %ds
	popl	%esi
	jne	fault
	ret

wait:
	movl	$100000, %ecx
1:	decl	%ecx
	jnz	1b
	ret

	.balign 4
packet:
	.byte	16, 0
count:	.word	0
	.word	0
segment:
	.word	0
sector:	.long	0, 0

descriptors:
	.quad	0
	.quad	0x00cf92000000ffff
table:
	.word	15
	.long	descriptors
drive:	.byte	0

	.org	510
	.word	0xaa55
