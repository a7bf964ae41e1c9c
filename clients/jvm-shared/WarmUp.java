import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/**
 * Loads what the first case would wait seconds for on a busy machine: the library without TLS, then Java's TLS without
 * the library, both against a listener of our own that closes each connection.
 */
final class WarmUp {
    static void run(Lab.Connect connect) throws IOException {
        try (ServerSocket listener = new ServerSocket(0, 8, InetAddress.getLoopbackAddress())) {
            Thread closer = new Thread(() -> {
                try {
                    while (true) {
                        listener.accept().close();
                    }
                } catch (IOException closed) {
                    // The warm-up is over.
                }
            });
            closer.setDaemon(true);
            closer.start();
            Lab.Case nothing = new Lab.Case();
            nothing.host = listener.getInetAddress().getHostAddress();
            nothing.port = listener.getLocalPort();
            nothing.verify = true;
            nothing.username = nothing.password = nothing.key = nothing.value = "warm-up";
            nothing.deadlineMs = 5000;
            try (Lab.Client client = connect.connect(nothing)) {
                client.roundTrip(nothing);
            } catch (Exception expected) {
                // Nobody answers there.
            }
            try (Socket socket = SSLSocketFactory.getDefault().createSocket(nothing.host, nothing.port)) {
                ((SSLSocket) socket).startHandshake();
            } catch (IOException expected) {
                // Nobody answers there.
            }
        }
    }
}
