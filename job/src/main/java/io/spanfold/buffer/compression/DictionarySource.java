package io.spanfold.buffer.compression;

/** Knows where dictionaries are to be had. */
@FunctionalInterface
public interface DictionarySource {

  /** The source that has none. */
  DictionarySource NONE = id -> null;

  /**
   * Returns the dictionary with this id, or null where there is none. Whoever asks uses it before
   * asking again, and does not close it.
   */
  CompressionDictionary find(int id);
}
