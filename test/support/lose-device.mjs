// Loaded into a command before it starts (`node --import`): its device is destroyed behind the submits of these numbers,
// counted over all devices, as a driver's reset would do.
import { globals } from 'webgpu';

const at = (process.env.LOSE_AT ?? '').split(',').map(Number);
const { requestDevice } = globals.GPUAdapter.prototype;
const { submit } = globals.GPUQueue.prototype;
const devices = [];
let submits = 0;

globals.GPUAdapter.prototype.requestDevice = async function (...args) {
  const device = await requestDevice.apply(this, args);
  devices.push(device);
  return device;
};
globals.GPUQueue.prototype.submit = function (...args) {
  submit.apply(this, args);
  submits += 1;
  if (at.includes(submits)) devices.at(-1)?.destroy();
};
process.on('exit', () => process.stderr.write(`submits: ${submits}\n`));
