// The gpu worker: engine and trainer in one thread, since a device cannot be shared between workers.
import '../base/zod-config.ts';
import { GpuRoom } from './gpu-room.ts';
import { type GpuEvent, type GpuWorkerApi, serveWorker } from './protocol.ts';

serveWorker<GpuWorkerApi, GpuEvent>(self, (emit) => {
  return new GpuRoom({ emit, root: () => navigator.storage.getDirectory() });
});
