// How much of the browser's room is used.
import { bytes } from '../logic/format.ts';
import { storage } from '../state/train-state.ts';
import { Bar } from './small.tsx';

export function StorageUse() {
  const use = storage.value;
  if (use === null) return null;
  const { usageBytes, quotaBytes, persisted } = use;
  return (
    <p class="storage-use">
      <span>
        {bytes(usageBytes)} of {bytes(quotaBytes)} used
        {persisted ? ', kept even when the disk is full' : ''}
      </span>
      <Bar share={quotaBytes === 0 ? 0 : usageBytes / quotaBytes} />
    </p>
  );
}
