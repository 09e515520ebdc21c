package io.spanfold.local.kafka;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;

/**
 * Reads JSON without Jackson's limits on names, numbers, strings and depth. The job passes records
 * on that exceed them, so what reads the job's input or output must not fail on them.
 */
public final class UnlimitedJson {

  /** Makes parsers. Does not keep the names that it reads, because they are input. */
  public static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(Integer.MAX_VALUE)
                  .maxStringLength(Integer.MAX_VALUE)
                  .maxNumberLength(Integer.MAX_VALUE)
                  .maxNameLength(Integer.MAX_VALUE)
                  .build())
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .build();

  private UnlimitedJson() {}
}
