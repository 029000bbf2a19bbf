// A native library of a few hundred bytes whose only code reads address 0: what a faulty addon does. Made by hand, for the processors
// that tests run on, because there is not always a compiler.
import { writeFileSync } from 'node:fs';

const MACHINES = {
  // xor eax, eax; mov eax, [rax]
  x64: { machine: 62, code: [0x31, 0xc0, 0x8b, 0x00] },
  // mov x0, #0; ldr x0, [x0]
  arm64: { machine: 183, code: [0x00, 0x00, 0x80, 0xd2, 0x00, 0x00, 0x40, 0xf9] },
};
const [DYNAMIC, CODE, EMPTY, END] = [0xb0, 0x130, 0x140, 0x180];

/** Loads it into this very process, which does not return from it. */
export function crash(file) {
  const { machine, code } = MACHINES[process.arch];
  const elf = Buffer.alloc(END);
  const fields = (at, size, values) =>
    values.forEach((value, i) => {
      elf.writeUIntLE(value, at + i * size, Math.min(size, 6));
    });
  // A shared library of 64 bits, with a header of two segments: all of it, and its dynamic section.
  elf.write('\x7fELF\x02\x01\x01', 'latin1');
  fields(0x10, 2, [3, machine]);
  fields(0x14, 4, [1]);
  fields(0x18, 8, [0, 0x40, 0]);
  fields(0x34, 2, [0x40, 0x38, 2, 0x40, 0, 0]);
  fields(0x40, 4, [1, 7]);
  fields(0x48, 8, [0, 0, 0, END, END, 0x1000]);
  fields(0x78, 4, [2, 6]);
  fields(0x80, 8, [DYNAMIC, DYNAMIC, DYNAMIC, 0x80, 0x80, 8]);
  // Run at loading: the code; tables of names that are empty, and the end.
  const [INIT, HASH, STRTAB, SYMTAB, STRSZ, SYMENT] = [12, 4, 5, 6, 10, 11];
  fields(DYNAMIC, 8, [INIT, CODE, HASH, EMPTY, STRTAB, EMPTY + 16, SYMTAB, EMPTY + 24, STRSZ, 1, SYMENT, 24, 0, 0]);
  fields(EMPTY, 4, [1, 1]);
  elf.set(code, CODE);
  writeFileSync(file, elf, { mode: 0o755 });
  process.dlopen({ exports: {} }, file);
}
