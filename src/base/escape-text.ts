/**
 * Text of the guest made safe to show on a terminal or in an error: every control character (C0, DEL, C1), line and
 * paragraph separators and bidirectional overrides become visible `\x1b` or `\u202e`. Tabs and newlines are escaped
 * too unless `keepLines`.
 */
export function escapeText(text: string, options: { readonly keepLines?: boolean } = {}): string {
  return text.replace(UNSAFE, (char) => {
    if (options.keepLines === true && (char === '\n' || char === '\t')) return char;
    const point = char.charCodeAt(0);
    return point < 0x100
      ? `\\x${point.toString(16).padStart(2, '0')}`
      : `\\u${point.toString(16).padStart(4, '0')}`;
  });
}

// C0 and DEL, C1, soft hyphen-like and bidi controls (Unicode Bidi_Control), separators, lone surrogates, BOM.

const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
