package io.spanfold.job.lease;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.lease.LeaseAnswer;
import io.spanfold.buffer.lease.LeaseAnswer.State;
import io.spanfold.buffer.lease.LeaseClaim;
import io.spanfold.buffer.lease.LeaseException;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.buffer.lease.LeaseStore;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.embedded.Await;
import io.spanfold.embedded.RedisNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process that is stopped by a signal, as by a hypervisor or a long pause. */
@Timeout(60)
class StalledProcessITCase {

  private static final Duration TTL = Duration.ofSeconds(20);
  private static final String RUN = "a".repeat(32);

  @TempDir Path directory;

  @Test
  void aProcessThatWakesUpConfirmsItsLeaseFirst() throws Exception {
    try (RedisNode redis = RedisNode.start(RedisNode.Options.in(directory));
        LeaseStore successor = new LeaseStore(ConnectionSettings.of(List.of(redis.uri())))) {
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-cp",
                  System.getProperty("java.class.path"),
                  StalledProcessITCase.class.getName(),
                  redis.uri().toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      try (BufferedReader answers = process.inputReader();
          Writer questions = process.outputWriter()) {
        assertThat(ask(questions, answers)).isEqualTo("it is mine");
        assertThat(ask(questions, answers)).isEqualTo("it is mine");

        signal(process, "STOP");
        LeaseAnswer taken = successor.take(new LeaseClaim("main", "job", RUN, 1), TTL);
        assertThat(taken.state()).isEqualTo(State.HELD);
        long end = System.nanoTime() + settings(redis.uri()).trusted().toNanos();
        Await.until(() -> System.nanoTime() >= end);
        // It reads the question as soon as it continues, at the same time as it could renew.
        questions.write("is it mine?\n");
        questions.flush();
        signal(process, "CONT");
        assertThat(answers.readLine()).isEqualTo("LeaseSupersededException");
      } finally {
        process.destroyForcibly();
      }
    }
  }

  /** The process: answers each line with whether it has the lease. */
  public static void main(String[] arguments) throws Exception {
    try (Lease lease =
            Lease.open(settings(URI.create(arguments[0])), TaskMetrics.of("job", "a", 0));
        BufferedReader questions =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      while (questions.readLine() != null) {
        try {
          lease.confirm();
          System.out.println("it is mine");
        } catch (LeaseException e) {
          System.out.println(e.getClass().getSimpleName());
        }
      }
    }
  }

  private static LeaseSettings settings(URI redis) {
    return new LeaseSettings(
        ConnectionSettings.of(List.of(redis)), "main", TTL, Duration.ofMillis(500));
  }

  private static String ask(Writer questions, BufferedReader answers) throws IOException {
    questions.write("is it mine?\n");
    questions.flush();
    return answers.readLine();
  }

  private static void signal(Process process, String signal) throws Exception {
    String pid = Long.toString(process.pid());
    assertThat(new ProcessBuilder("kill", "-" + signal, pid).start().waitFor()).isZero();
  }
}
