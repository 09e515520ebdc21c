package io.spanfold.core.format;

import com.fasterxml.jackson.core.JsonParser;
import java.io.IOException;

/** Excerpts of records for error messages. */
final class Excerpt {

  /** How many characters of a value are shown. */
  static final int MAX_CHARACTERS = 40;

  private Excerpt() {}

  /** Returns the beginning of the text of the scalar that {@code json} is at. */
  static String of(JsonParser json) throws IOException {
    int length = json.getTextLength();
    int shown = Math.min(length, MAX_CHARACTERS);
    String text = new String(json.getTextCharacters(), json.getTextOffset(), shown);
    return length > shown ? printable(text) + "..." : printable(text);
  }

  /** Returns {@code text} as one line of visible characters. */
  static String printable(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints()
        .map(
            c -> Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE ? '?' : c)
        .forEach(out::appendCodePoint);
    return out.toString();
  }
}
