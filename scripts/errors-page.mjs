// Writes docs/reference/errors.md from the comments of packages/core/src/errors.ts: `node scripts/errors-page.mjs`. A test holds the
// page to what this makes, so an error is described in one place.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, runAsScript } from './bootstrap.mjs';

const source = join(root, 'packages', 'core', 'src', 'errors.ts');
export const pagePath = join(root, 'docs', 'reference', 'errors.md');

/** Every error class with its code and the three parts of its comment. Throws for one that lacks a part. */
export function readErrors(text = readFileSync(source, 'utf8')) {
  const errors = [];
  const pattern =
    /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport class (\w+)(?:<[^>]*>)? extends EntropicError \{([\s\S]*?)\n\}/g;
  for (const [, comment = '', name = '', body = ''] of text.matchAll(pattern)) {
    const [what, ...parts] = paragraphs(comment);
    const when = parts.find((part) => part.startsWith('When: '))?.slice('When: '.length);
    const fix = parts.find((part) => part.startsWith('What to do: '))?.slice('What to do: '.length);
    const code = /'(ENTROPIC_\w+)'/.exec(body)?.[1];
    if (!what || !when || !fix || !code) throw new Error(`${name}: its comment lacks what, When: or What to do:`);
    errors.push({ name, code, what, when, fix, fields: fieldsOf(body) });
  }
  return errors;
}

/** The reasons of a RunFailedError, with what each means. */
export function readReasons(text = readFileSync(source, 'utf8')) {
  const union = /export type FailReason =([\s\S]*?);\n/.exec(text)?.[1] ?? '';
  return [...union.matchAll(/\/\*\* ([\s\S]*?) \*\/\s*\| '([\w-]+)'/g)].map(([, meaning, reason]) => ({
    reason,
    meaning,
  }));
}

/** The page, whole. */
export function errorsPage() {
  const errors = readErrors();
  const lines = [
    '<!-- Made by scripts/errors-page.mjs from packages/core/src/errors.ts. Change the comments there. -->',
    '# Errors',
    '',
    'Every error that entropic throws on purpose is an `EntropicError` with a `code` that stays the same between versions.',
    'Branch on `code`: a class does not survive its way through a thread or a socket, and messages may get better.',
    '',
    'A miss is no error: `retrieve` gives `null`. What you abort yourself rejects with the platform’s own `AbortError`.',
    '',
    '| code | class |',
    '|---|---|',
    ...errors.map(({ code, name }) => `| [\`${code}\`](#${code.toLowerCase()}) | \`${name}\` |`),
  ];
  for (const { code, name, what, when, fix, fields } of errors) {
    lines.push(
      '',
      `## ${code}`,
      '',
      `\`${name}\`: ${lowered(what)}`,
      '',
      `**When:** ${when}`,
      '',
      `**What to do:** ${fix}`,
    );
    if (fields.length > 0) lines.push('', `**It carries:** ${fields.map((field) => `\`${field}\``).join(', ')}.`);
    if (name !== 'RunFailedError') continue;
    lines.push('', '| reason | what happened |', '|---|---|');
    lines.push(...readReasons().map(({ reason, meaning }) => `| \`${reason}\` | ${meaning} |`));
  }
  return `${lines.join('\n')}\n`;
}

function paragraphs(comment) {
  const text = comment.replace(/^[ \t]*\*[ \t]?/gm, '').trim();
  return text.split(/\n\s*\n/).map((paragraph) => paragraph.replace(/\s+/g, ' ').trim());
}

function fieldsOf(body) {
  return [...body.matchAll(/^ {2}readonly (\w+):/gm)].map(([, field]) => field);
}

/** Behind a colon: the sentence goes on, unless it begins with a name in code. */
function lowered(text) {
  return text[0].toLowerCase() + text.slice(1);
}

await runAsScript(import.meta.url, () => {
  writeFileSync(pagePath, errorsPage());
});
