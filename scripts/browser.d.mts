export function browserFlags(): string[];
export function findBrowser(): string | null;
export function browserFolders(): string[];
