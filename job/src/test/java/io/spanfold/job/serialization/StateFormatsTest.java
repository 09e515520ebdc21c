package io.spanfold.job.serialization;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.Outcome;
import io.spanfold.core.model.StampPoints.SegmentIdEdit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;

/**
 * Checks what savepoints depend on: the ids of all {@link StateType}s and the form of each of their
 * versions, as the bytes of {@link StateSamples}. {@code state-formats.txt} has a line for each
 * version that a release has written: {@code id version hex}. A line of a release is never changed
 * or removed.
 *
 * <p>Until the first release, and of a version that no release has written, a line may be replaced:
 * {@code -Dspanfold.record-state=true} writes those of the current versions again.
 */
class StateFormatsTest {

  private static final Path FILE = Path.of("src/test/resources/state-formats.txt");

  private static final HexFormat HEX = HexFormat.of();

  /** A line of the file. */
  private record Form(String id, int version, String hex) {

    static Form of(String line) {
      String[] words = line.split(" ");
      return new Form(words[0], Integer.parseInt(words[1]), words[2]);
    }

    boolean isOf(StateType<?> type) {
      return id.equals(type.id()) && version == type.version();
    }

    String line() {
      return id + " " + version + " " + hex;
    }
  }

  @Test
  void noFormChangesWithoutANewVersion() throws IOException {
    Map<StateType<?>, Object> samples = StateSamples.all();
    assertThat(samples.keySet())
        .as("every type has a sample in StateSamples")
        .containsExactlyInAnyOrderElementsOf(StateType.all());
    List<Form> recorded = recorded();
    List<Form> current = new ArrayList<>();
    for (Map.Entry<StateType<?>, Object> each : samples.entrySet()) {
      current.add(form(each.getKey(), each.getValue()));
    }
    if (Boolean.getBoolean("spanfold.record-state")) {
      record(recorded, current);
      return;
    }
    Set<Form> known = new HashSet<>(recorded);
    List<String> changed =
        current.stream().filter(form -> !known.contains(form)).map(Form::line).toList();
    if (!changed.isEmpty()) {
      fail(
          "These forms are not in %s:%n%s%nIf a release has written the version, raise it in"
              + " StateType for all of these types to one number, the highest there plus one, and"
              + " make their codecs read both; then, or if no release has written it, add the"
              + " lines with -Dspanfold.record-state=true, and record the savepoints again: see"
              + " SavepointITCase.",
          FILE, String.join(System.lineSeparator(), changed));
    }
  }

  @Test
  void everyFormThatWasEverWrittenIsStillRead() throws IOException {
    for (Form form : recorded()) {
      StateType<?> type = StateType.of(form.id);
      assertThat(type)
          .as("the type %s, which savepoints hold: an id is never removed or renamed", form.id)
          .isNotNull();
      DataInputDeserializer in = new DataInputDeserializer(HEX.parseHex(form.hex));
      assertThat(type.read(form.version, in)).as(form.line()).isNotNull();
      assertThat(in.available()).as("bytes that were not read of %s", form.line()).isZero();
    }
  }

  @Test
  void theKeyOfAllStateCannotBeMigrated() {
    assertThat(StateType.TRACE_KEY.version()).isEqualTo(1);
  }

  /** Codes may be added. */
  @Test
  void codesOfConstantsStay() {
    assertThat(codes(FlushReason.values(), FlushReason::code))
        .isEqualTo("IDLE=0 MAX_AGE=1 FULL=2 PRESSURE=3 END=4");
    assertThat(codes(Outcome.Reason.values(), Outcome.Reason::code))
        .isEqualTo("PAYLOAD_LOST=0 DROPPED=1 OFFSETS_LOST=2 TOO_LARGE=3");
    assertThat(codes(SegmentIdEdit.values(), SegmentIdEdit::code))
        .isEqualTo(
            "KEEP=0 ADD_ATTRIBUTES=1 REPLACE_NULL_ATTRIBUTES=2 ADD_ONLY_MEMBER=3"
                + " ADD_FIRST_MEMBER=4 REPLACE_MEMBER=5");
    assertThat(FlushReason.values()).allMatch(each -> FlushReason.ofCode(each.code()) == each);
    assertThat(Outcome.Reason.values())
        .allMatch(each -> Outcome.Reason.ofCode(each.code()) == each);
    assertThat(SegmentIdEdit.values()).allMatch(each -> SegmentIdEdit.ofCode(each.code()) == each);
  }

  private static <E extends Enum<E>> String codes(E[] values, ToIntFunction<E> code) {
    return Arrays.stream(values)
        .map(each -> each + "=" + code.applyAsInt(each))
        .collect(Collectors.joining(" "));
  }

  private static List<Form> recorded() throws IOException {
    return Files.readAllLines(FILE).stream().map(Form::of).toList();
  }

  /** Replaces the lines of current versions, and keeps those of former ones. */
  private static void record(List<Form> recorded, List<Form> current) throws IOException {
    List<Form> all = new ArrayList<>(recorded);
    all.removeIf(form -> StateType.of(form.id) == null);
    all.removeIf(form -> form.isOf(StateType.of(form.id)));
    all.addAll(current);
    Files.write(FILE, all.stream().map(Form::line).sorted().toList());
  }

  @SuppressWarnings("unchecked")
  private static <T> Form form(StateType<T> type, Object sample) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(64);
    type.write((T) sample, out);
    return new Form(type.id(), type.version(), HEX.formatHex(out.getCopyOfBuffer()));
  }
}
