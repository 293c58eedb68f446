#!/bin/sh
# Writes assembly (x86-64, ELF) that defines every function that ARCHIVE uses from the shared LIBRARIES, so that a
# program that links it does not load them at start. The first call of a function loads its library (mien_late_load
# in apps/cli/late_load.cc) and jumps to it. Data is not covered: a library whose data is used is still loaded at start.
# Usage: late_stubs.sh OUT ARCHIVE... -- LIBRARY...
set -eu
out=$1; shift
archives=; while [ "$1" != -- ]; do archives="$archives $1"; shift; done; shift
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
nm -u $archives | awk 'NF == 2 && $1 == "U" { print $2 }' | sort -u > "$work/wanted"
number=0
for library in "$@"; do
  soname=$(objdump -p "$library" | awk '$1 == "SONAME" { print $2 }')
  printf '%s\n' "${soname:-$(basename "$library")}" >> "$work/names"
  nm -D --defined-only "$library" | awk '$2 == "T" || $2 == "W" || $2 == "i" { sub(/@.*/, "", $3); print $3 }' |
    sort -u | comm -12 - "$work/wanted" | sed "s/\$/ $number/" >> "$work/functions"
  number=$((number + 1))
done
sort -u -k1,1 "$work/functions" > "$work/list"
{
  echo '.section .note.GNU-stack,"",@progbits'
  echo '.text'
  # Save the arguments of the pending call: six integers, the number of vectors in al, eight vectors.
  cat <<'ASM'
late_resolve:
  pushq %rbp
  movq %rsp, %rbp
  pushq %rdi
  pushq %rsi
  pushq %rdx
  pushq %rcx
  pushq %r8
  pushq %r9
  pushq %rax
  subq $136, %rsp
  andq $-16, %rsp
ASM
  for i in 0 1 2 3 4 5 6 7; do echo "  movups %xmm$i, $((16 * i))(%rsp)"; done
  echo '  movl %r11d, %edi'
  echo '  call mien_late_load'
  echo '  movq %rax, %r11'
  for i in 0 1 2 3 4 5 6 7; do echo "  movups $((16 * i))(%rsp), %xmm$i"; done
  cat <<'ASM'
  leaq -56(%rbp), %rsp
  popq %rax
  popq %r9
  popq %r8
  popq %rcx
  popq %rdx
  popq %rsi
  popq %rdi
  popq %rbp
  jmp *%r11
ASM
  awk '{ printf ".globl %s\n.type %s, @function\n%s:\n  endbr64\n  jmp *late_slot_%d(%%rip)\nlate_first_%d:\n  endbr64\n", \
                $1, $1, $1, NR - 1, NR - 1
         printf "  movl $%d, %%r11d\n  jmp late_resolve\n", NR - 1 }' "$work/list"
  echo '.section .data.rel,"aw"'
  echo '.balign 8'
  echo '.globl mien_late_slots'
  echo 'mien_late_slots:'
  awk '{ printf "late_slot_%d: .quad late_first_%d\n", NR - 1, NR - 1 }' "$work/list"
  echo '.globl mien_late_functions'
  echo 'mien_late_functions:'
  awk '{ printf "  .quad late_name_%d, %d\n", NR - 1, $2 }' "$work/list"
  echo '.globl mien_late_libraries'
  echo 'mien_late_libraries:'
  awk '{ printf "  .quad late_library_%d\n", NR - 1 }' "$work/names"
  echo '.globl mien_late_library_count'
  echo 'mien_late_library_count:'
  echo "  .quad $number"
  echo '.section .rodata'
  awk '{ printf "late_name_%d: .asciz \"%s\"\n", NR - 1, $1 }' "$work/list"
  awk '{ printf "late_library_%d: .asciz \"%s\"\n", NR - 1, $1 }' "$work/names"
} > "$out"
