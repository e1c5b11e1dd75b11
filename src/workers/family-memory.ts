// Where the page keeps which matrix kernels suit a device: a file in OPFS. Must not know how that is found out.
import type { FamilyMemory } from '../kernels/choose-family.ts';
import { type DirectoryHandle, readFileAt, writeFileAt } from '../store/directory.ts';

const FILE = 'kernels.json';

/** A memory that forgets where storage is full or forbidden: then the device is measured again. */
export function familyMemory(root: () => Promise<DirectoryHandle>): FamilyMemory {
  return {
    read: async () => {
      const bytes = await root()
        .then((folder) => readFileAt(folder, FILE))
        .catch(() => null);
      return bytes === null ? null : new TextDecoder().decode(bytes);
    },
    write: (text) =>
      root()
        .then((folder) => writeFileAt(folder, FILE, new TextEncoder().encode(text)))
        .catch(() => undefined),
  };
}
