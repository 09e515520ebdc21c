package io.spanfold.job.resource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.job.resource.SharedResource.Share;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SharedResourceTest {

  private final SharedResource<String, Thing> things = new SharedResource<>();
  private final List<String> closed = new ArrayList<>();

  @Test
  void createsOneResourcePerKeyAndClosesItWithItsLastReference() throws Exception {
    Share<Thing> first = things.open("a", () -> new Thing("a"));
    Share<Thing> second = things.open("a", () -> new Thing("another a"));
    Share<Thing> other = things.open("b", () -> new Thing("b"));

    assertThat(second.get()).isSameAs(first.get());
    assertThat(other.get()).isNotSameAs(first.get());

    first.close();
    first.close();
    assertThat(closed).isEmpty();
    second.close();
    assertThat(closed).containsExactly("a");
  }

  @Test
  void createsAnotherResourceAfterTheLastReferenceWasClosed() throws Exception {
    Share<Thing> first = things.open("a", () -> new Thing("a"));
    first.close();

    try (Share<Thing> second = things.open("a", () -> new Thing("a"))) {
      assertThat(second.get()).isNotSameAs(first.get());
    }
  }

  @Test
  void keepsNothingIfTheCreationFails() throws Exception {
    assertThatThrownBy(
            () ->
                things.open(
                    "a",
                    () -> {
                      throw new IllegalStateException("no");
                    }))
        .hasMessage("no");

    try (Share<Thing> share = things.open("a", () -> new Thing("a"))) {
      assertThat(share.get().name).isEqualTo("a");
    }
  }

  private final class Thing implements AutoCloseable {
    private final String name;

    Thing(String name) {
      this.name = name;
    }

    @Override
    public void close() {
      closed.add(name);
    }
  }
}
