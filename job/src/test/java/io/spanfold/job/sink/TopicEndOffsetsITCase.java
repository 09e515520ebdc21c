package io.spanfold.job.sink;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.embedded.Await;
import io.spanfold.testing.KafkaUnderTest;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TopicEndOffsetsITCase {

  private static final TopicPartition SEGMENTS = new TopicPartition("segments", 0);
  private static final TopicPartition OUTCOMES = new TopicPartition("outcomes", 0);

  private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 1_000); // it may overflow
  private KafkaUnderTest broker;
  private KafkaProducer<byte[], byte[]> producer;
  private TopicEndOffsets ends;

  @BeforeEach
  void start() throws Exception {
    broker = KafkaUnderTest.start();
    broker.createTopic(SEGMENTS.topic(), 1);
    broker.createTopic(OUTCOMES.topic(), 1);
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", broker.bootstrapServers()),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    Properties client = new Properties();
    client.setProperty("bootstrap.servers", broker.bootstrapServers());
    ends = new TopicEndOffsets(client, List.of("segments", "outcomes"), clock::get);
    send(3);
  }

  @AfterEach
  void stop() {
    ends.close();
    producer.close(Duration.ZERO);
    broker.close();
  }

  @Test
  void theFirstTransactionWaitsForTheAnswer() throws Exception {
    assertThat(ends.beforeTransaction()).isEqualTo(Map.of(SEGMENTS, 3L, OUTCOMES, 0L));
  }

  @Test
  void aLaterTransactionHasTheLastAnswerAndAsksForNone() throws Exception {
    ends.beforeTransaction();
    send(2);
    assertThat(ends.beforeTransaction()).containsEntry(SEGMENTS, 3L);
    clock.addAndGet(TopicEndOffsets.MOST_AGE.toNanos());
    assertThat(ends.beforeTransaction()).containsEntry(SEGMENTS, 3L);
  }

  @Test
  void aTransactionHasTheAnswerThatWasAskedForAhead() throws Exception {
    ends.beforeTransaction();
    send(2);
    ends.askAhead();
    Await.until(() -> ends.beforeTransaction().get(SEGMENTS) == 5);
  }

  @Test
  void anAnswerThatIsTooOldIsAskedForAgain() throws Exception {
    ends.beforeTransaction();
    send(2);
    clock.addAndGet(TopicEndOffsets.MOST_AGE.toNanos() + 1);
    assertThat(ends.beforeTransaction()).containsEntry(SEGMENTS, 5L);
  }

  @Test
  void noTransactionWaitsForABrokerThatIsGone() throws Exception {
    ends.beforeTransaction();
    broker.close();
    long start = System.nanoTime();
    for (int i = 0; i < 10; i++) {
      ends.askAhead();
      assertThat(ends.beforeTransaction()).containsEntry(SEGMENTS, 3L);
    }
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
  }

  private void send(int records) throws Exception {
    for (int i = 0; i < records; i++) {
      producer.send(new ProducerRecord<>(SEGMENTS.topic(), new byte[] {1})).get();
    }
  }
}
