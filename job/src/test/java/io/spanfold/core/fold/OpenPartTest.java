package io.spanfold.core.fold;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class OpenPartTest {

  private static final FoldSettings SETTINGS = new FoldSettings(60, 10, 900, 60, 1_000);

  /** Otherwise a chain of late segments that keep merging would be held forever. */
  @Test
  void mergedPartsAreHeldForTheMaximumAgeFromWhenTheFirstWasLate() {
    OpenPart first = late(5_000);
    OpenPart second = late(5_850);

    second.absorb(first);
    second.holdIfLate(SETTINGS, false, 5_890);

    assertThat(second.dueAt(SETTINGS, false)).isEqualTo(5_000 + 900);
  }

  @Test
  void aLatePartKeepsItsStartWhenAPartInTimeMergesIntoIt() {
    OpenPart late = late(5_000);
    late.absorb(new OpenPart(4_990));
    late.holdIfLate(SETTINGS, false, 5_890);

    assertThat(late.dueAt(SETTINGS, false)).isEqualTo(5_000 + 900);
  }

  private static OpenPart late(long clock) {
    OpenPart part = new OpenPart(1_000);
    part.holdIfLate(SETTINGS, false, clock);
    assertThat(part.dueAt(SETTINGS, false)).isEqualTo(clock + 60);
    return part;
  }
}
