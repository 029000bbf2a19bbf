// The code blocks and links of the documents, for the tests that hold them to the code.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './example.js';

export interface Block {
  lang: string;
  /** From a first line `// name.ts` or `# name.py`, which stays in the text. */
  name: string | undefined;
  text: string;
}

export function blocksOf(path: string): Block[] {
  const text = readFileSync(join(root, path), 'utf8');
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, lang = '', body = '']) => {
    return { lang, name: /^(?:\/\/|#) (\S+\.[a-z]+)\n/.exec(body)?.[1], text: body };
  });
}

/** Every document of the repository, as paths from its root. */
export function documents(): string[] {
  const within = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return within(path);
      return entry.name.endsWith('.md') ? [path] : [];
    });
  return ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...within('docs')];
}
