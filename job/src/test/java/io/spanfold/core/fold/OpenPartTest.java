package io.spanfold.core.fold;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.FlushReason;
import org.junit.jupiter.api.Test;

class OpenPartTest {

  private static final FoldSettings SETTINGS = new FoldSettings(60, 10, 900, 60, 1_000);

  /** Otherwise a chain of segments that keep merging would never be due. */
  @Test
  void aMergedPartIsDueAtTheMaximumAgeOfTheOlderOne() {
    OpenPart part = new OpenPart(5_890);
    part.absorb(new OpenPart(5_000));

    assertThat(part.deadline(SETTINGS, false)).isEqualTo(5_000 + 900);
    assertThat(part.reason(SETTINGS, false)).isEqualTo(FlushReason.MAX_AGE);
  }

  @Test
  void aPartIsNeverDueBeforeItsLastSpan() {
    OpenPart part = new OpenPart(5_000);
    part.absorb(new OpenPart(1_000));

    assertThat(part.deadline(SETTINGS, false)).isEqualTo(5_000);
  }
}
