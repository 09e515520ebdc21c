package io.spanfold.testing;

import io.spanfold.embedded.RedisNode;
import java.net.URI;
import java.nio.file.Path;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.utility.DockerImageName;

/**
 * A real single Redis for a test: the version that production runs if Docker answers, else the one
 * that comes as a Maven jar. A cluster is always the embedded one.
 */
public final class RedisUnderTest implements AutoCloseable {

  private static final DockerImageName IMAGE = DockerImageName.parse("redis:7.4-alpine");
  private static final int CONTAINER_PORT = 6379;

  private final URI uri;
  private final Runnable stop;

  private RedisUnderTest(URI uri, Runnable stop) {
    this.uri = uri;
    this.stop = stop;
  }

  /** Starts one; an embedded one keeps its files in {@code directory}. */
  public static RedisUnderTest start(Path directory) {
    if (DockerClientFactory.instance().isDockerAvailable()) {
      GenericContainer<?> container =
          new GenericContainer<>(IMAGE).withExposedPorts(CONTAINER_PORT);
      container.start();
      String address = container.getHost() + ":" + container.getMappedPort(CONTAINER_PORT);
      return new RedisUnderTest(URI.create("redis://" + address), container::stop);
    }
    RedisNode node = RedisNode.start(RedisNode.Options.in(directory));
    return new RedisUnderTest(node.uri(), node::close);
  }

  /** Returns its address. */
  public URI uri() {
    return uri;
  }

  @Override
  public void close() {
    stop.run();
  }
}
