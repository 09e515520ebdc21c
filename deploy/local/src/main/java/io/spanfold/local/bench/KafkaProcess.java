package io.spanfold.local.bench;

import io.spanfold.embedded.KafkaBroker;
import java.io.IOException;
import java.nio.file.Path;

/** The broker as a process: says where it listens, and ends with its standard input. */
final class KafkaProcess {

  private KafkaProcess() {}

  /** Starts a broker that keeps its data in the directory given. */
  public static void main(String[] args) throws IOException {
    KafkaBroker broker =
        KafkaBroker.builder()
            .directory(Path.of(args[0]))
            // A topic that is deleted is to free its disk soon.
            .property("log.segment.delete.delay.ms", "1000")
            .start();
    System.out.println(ChildJvm.ANSWER + broker.bootstrapServers());
    while (System.in.read() >= 0) {
      // Nothing is asked of it.
    }
    System.exit(0);
  }
}
