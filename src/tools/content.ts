// The parts of a tool's result as text: what a policy reads. Bytes are named, never shown. Knows no connection.
import type { ContentBlock } from '@modelcontextprotocol/client';
import { cleanLine } from './untrusted-text.ts';

const MEDIA_CHARACTERS = 60;
const ADDRESS_CHARACTERS = 300;

/** All parts, one below the other. */
export function contentText(parts: readonly ContentBlock[]): string {
  return parts.map(partText).join('\n');
}

function partText(part: ContentBlock): string {
  switch (part.type) {
    case 'text':
      return part.text;
    case 'image':
    case 'audio':
      return `[${part.type} ${media(part.mimeType)} ${base64Size(part.data)}]`;
    case 'resource_link': {
      const size = part.size === undefined ? '' : ` ${sizeText(part.size)}`;
      const name = cleanLine(part.title ?? part.name, ADDRESS_CHARACTERS);
      return `[link ${address(part.uri)} ${media(part.mimeType)}${size} ${name}]`;
    }
    case 'resource': {
      const { resource } = part;
      const head = `resource ${address(resource.uri)} ${media(resource.mimeType)}`;
      if ('text' in resource) return `[${head}]\n${resource.text}`;
      return `[${head} ${base64Size(resource.blob)}]`;
    }
    default:
      return unknownPart(part);
  }
}

/** A kind of part of a later revision. */
function unknownPart(part: never): string {
  const { type } = part as { type?: unknown };
  return `[${cleanLine(String(type), MEDIA_CHARACTERS)}]`;
}

function media(mimeType: string | undefined): string {
  return mimeType === undefined ? 'unknown type' : cleanLine(mimeType, MEDIA_CHARACTERS);
}

function address(uri: string): string {
  return cleanLine(uri, ADDRESS_CHARACTERS);
}

function base64Size(base64: string): string {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return sizeText(Math.max(0, Math.floor((base64.length * 3) / 4) - padding));
}

/** Bytes below 1000 as they are, then kB and MB, rounded. */
function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 999_500) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
