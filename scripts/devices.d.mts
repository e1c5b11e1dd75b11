export interface DeviceRow {
  readonly driver: (() => string | null) | null;
  readonly env: Readonly<Record<string, string>>;
  readonly dawn: readonly string[];
  readonly vendor: string | null;
  readonly architecture: string | null;
}
export const REQUIRED_DEVICES: Readonly<Record<string, readonly string[]>>;
export const DEVICES: Readonly<Record<string, DeviceRow>>;
export function requiredDevices(): readonly string[];
export function deviceEnv(name: string): Record<string, string>;
