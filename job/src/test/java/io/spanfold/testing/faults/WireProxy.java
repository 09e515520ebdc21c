package io.spanfold.testing.faults;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A proxy between the job and a real server. It forwards whole requests one by one, so that a test
 * can cut the job off between two of them, or between a request and its answer.
 */
public final class WireProxy implements AutoCloseable {

  /** Recognises requests. */
  public interface Protocol {

    /** Reads one request: its bytes and its name. Null at the end. */
    Request read(DataInputStream in) throws IOException;
  }

  /** One request, as read from the wire. */
  public record Request(String name, byte[] bytes) {}

  private final ServerSocket listener;
  private final Protocol protocol;
  private final Tripwire wire;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private volatile int target;

  /** Listens on a free port; refuses connections until {@link #to} names the target. */
  public WireProxy(Protocol protocol, Tripwire wire) throws IOException {
    this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    this.protocol = protocol;
    this.wire = wire;
    thread(this::accept, "accept");
  }

  /** Returns the port it listens on. */
  public int port() {
    return listener.getLocalPort();
  }

  /** Passes on to this port of this machine. */
  public void to(int port) {
    target = port;
  }

  private void accept() {
    try {
      while (true) {
        Socket client = listener.accept();
        if (wire.dead() || target == 0) {
          client.close();
        } else {
          connect(client);
        }
      }
    } catch (IOException e) {
      // Closed.
    }
  }

  private void connect(Socket client) {
    try {
      Connection connection =
          new Connection(client, new Socket(InetAddress.getLoopbackAddress(), target));
      thread(connection::requests, "requests");
      thread(connection::answers, "answers");
    } catch (IOException e) {
      closeQuietly(client);
    }
  }

  private static void thread(Runnable task, String name) {
    Thread thread = new Thread(task, "wire proxy " + name);
    thread.setDaemon(true);
    thread.start();
  }

  private static void closeQuietly(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      // It is gone.
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    open.forEach(WireProxy::closeQuietly);
  }

  private final class Connection {
    private final Socket client;
    private final Socket server;

    /** Whether the next answer is the last thing that happens. */
    private volatile boolean lastAnswer;

    Connection(Socket client, Socket server) throws SocketException {
      // Clients and servers send at once, too. Otherwise some requests take 40 ms.
      client.setTcpNoDelay(true);
      server.setTcpNoDelay(true);
      this.client = client;
      this.server = server;
      open.add(client);
      open.add(server);
    }

    void requests() {
      try (DataInputStream in = new DataInputStream(client.getInputStream())) {
        OutputStream out = server.getOutputStream();
        for (Request request = protocol.read(in); request != null; request = protocol.read(in)) {
          Tripwire.Side fate = wire.pass(request.name());
          if (fate == Tripwire.Side.BEFORE) {
            return;
          }
          lastAnswer |= fate == Tripwire.Side.AFTER;
          out.write(request.bytes());
        }
      } catch (IOException e) {
        // One of the two has closed.
      } finally {
        close();
      }
    }

    void answers() {
      try {
        byte[] buffer = new byte[64 * 1024];
        OutputStream out = client.getOutputStream();
        for (int read = server.getInputStream().read(buffer);
            read >= 0;
            read = server.getInputStream().read(buffer)) {
          if (lastAnswer) {
            wire.die();
          }
          if (wire.dead()) {
            return;
          }
          out.write(buffer, 0, read);
        }
      } catch (IOException e) {
        // One of the two has closed.
      } finally {
        close();
      }
    }

    private void close() {
      closeQuietly(client);
      closeQuietly(server);
      open.remove(client);
      open.remove(server);
    }
  }
}
