// The suite imports `globSync` of `fs` by name, which Node 20 lacks. It is for commands that are not run here.
import { register } from 'node:module';

const FS =
  "export * from 'node:fs'; export { default } from 'node:fs'; export const globSync = () => [];";
const HOOK = `
  const fs = 'data:text/javascript,' + encodeURIComponent(${JSON.stringify(FS)});
  export async function resolve(name, context, next) {
    const ofSuite = context.parentURL?.includes('/@modelcontextprotocol/conformance/');
    const isFs = name === 'fs' || name === 'node:fs';
    return ofSuite && isFs ? { url: fs, shortCircuit: true } : next(name, context);
  }`;
register(`data:text/javascript,${encodeURIComponent(HOOK)}`);
