package io.spanfold.buffer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Login;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StoreSettingsTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://redis:6379",
        "redis:6379",
        "redis://redis:6379/3",
        "redis://redis:6379?db=1"
      })
  void refusesInvalidAddresses(String address) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StoreSettings.of(List.of(URI.create(address))))
        .withMessageContaining(address);
  }

  @Test
  void refusesSecretsInAddressesWithoutRepeatingThem() {
    for (String address :
        List.of("redis://:hunter2@redis:6379", "redis://me:hunter2@redis_1:6379")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> StoreSettings.of(List.of(URI.create(address))))
          .satisfies(e -> assertThat(e.getMessage()).doesNotContain("hunter2"));
    }
  }

  @Test
  void refusesAMixtureWithAndWithoutTls() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> StoreSettings.of(List.of(URI.create("redis://a"), URI.create("rediss://b"))))
        .withMessageContaining("TLS");
  }

  @Test
  void isSerializable() throws Exception {
    StoreSettings settings =
        new StoreSettings(
            new ConnectionSettings(
                List.of(URI.create("rediss://a:1")),
                new Login("me", "hunter2"),
                null,
                Timeouts.DEFAULT),
            Duration.ofHours(1),
            0,
            true,
            RolloutPhase.DISTRIBUTED,
            Buckets.DEFAULT);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(settings);
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      assertThat(in.readObject()).isEqualTo(settings);
    }
    assertThat(settings.redis().tls()).isTrue();
    assertThat(settings.toString()).doesNotContain("hunter2");
  }
}
