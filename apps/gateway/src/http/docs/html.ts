/** Text that is HTML already. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = Html | string | number | undefined | false | readonly Part[];

/** HTML with whatever is put into it escaped, unless it is HTML itself. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(texts.reduce((made, text, at) => `${made}${rendered(parts[at - 1])}${text}`));
}

function rendered(part: Part): string {
  if (part === undefined || part === false) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(rendered).join('');
  return escaped(String(part));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** Plain text with what stands in backticks as code. */
export function prose(text: string): Html {
  return new Html(escaped(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>'));
}

/** A path that breaks where its parts end, and nowhere within a word. */
export function pathText(path: string): Html {
  return new Html(escaped(path).replaceAll(/(?<=.)(?=[/_])/g, '<wbr>'));
}

/** JSON as it is read, its names and values told apart. */
export function jsonBlock(value: unknown): Html {
  const lines = escaped(JSON.stringify(value, null, 2));
  const marked = lines.replaceAll(
    /(&quot;(?:[^&\\\n]|\\.|&(?!quot;))*&quot;)(\s*:)?|\b(true|false|null|-?\d+(?:\.\d+)?)\b/g,
    (whole, text: string | undefined, colon: string | undefined) => {
      if (text === undefined) return `<i class="v">${whole}</i>`;
      return colon === undefined ? `<i class="s">${text}</i>` : `<i class="k">${text}</i>${colon}`;
    },
  );
  return new Html(`<pre tabindex="0"><code>${marked}</code></pre>`);
}
