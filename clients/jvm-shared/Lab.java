import com.google.gson.FieldNamingPolicy;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** What the adapters for the JVM share: cases in on stdin, outcomes out on stdout, one JSON line each, in time. */
final class Lab {
    /** One case of the lab. Fields that are not here are ignored. */
    static final class Case {
        long id;
        String host;
        int port;
        boolean tls;
        boolean verify;
        String ca;
        String clientCert;
        String clientKey;
        String username;
        String password;
        String key;
        String value;
        String topology = "standalone";
        String service;
        String client;
        int deadlineMs;

        /** Milliseconds for a timeout of the library: short enough for its own error to be the answer. */
        int timeout() {
            return deadlineMs * ("keep".equals(client) ? 2 : 4) / 10;
        }
    }

    /** What the library has no way to do. */
    static final class Unsupported extends Exception {
        Unsupported(String why) {
            super(why);
        }

        /** For a topology that the adapter does not know: it is not to be taken for another one. */
        static Unsupported topology(Case test) {
            return new Unsupported("the adapter knows no topology " + test.topology);
        }
    }

    /** Makes a client, connected or about to be. */
    interface Connect {
        Client connect(Case test) throws Exception;
    }

    /** A client of the library. */
    interface Client extends AutoCloseable {
        /** Sets the value and gives what it then got. */
        String roundTrip(Case test) throws Exception;
    }

    /** How often an application asks that has lost its connections, and the milliseconds between. */
    private static final int ATTEMPTS = 3;
    private static final int PAUSE = 100;

    /** What a case left for the next one. */
    private static Client kept;

    private static final Gson JSON = new GsonBuilder()
            .setFieldNamingPolicy(FieldNamingPolicy.LOWER_CASE_WITH_UNDERSCORES)
            .disableHtmlEscaping().serializeNulls().create();

    /** Where temporary files go: Java by itself does not look at TMPDIR. */
    static Path temporary() {
        String folder = System.getenv("TMPDIR");
        return Path.of(folder == null || folder.isEmpty() ? System.getProperty("java.io.tmpdir") : folder);
    }

    static void run(String adapter, String library, String version, Connect connect) throws IOException {
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err); // what the library prints is no answer
        WarmUp.run(connect);
        Map<String, Object> hello = new LinkedHashMap<>();
        hello.put("protocol", 1);
        hello.put("adapter", adapter);
        hello.put("library", library);
        hello.put("version", version);
        hello.put("runtime", "Java " + Runtime.version());
        answers.println(JSON.toJson(hello));

        ExecutorService attempts = Executors.newCachedThreadPool(work -> {
            Thread thread = new Thread(work);
            thread.setDaemon(true);
            return thread;
        });
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            Case test = JSON.fromJson(line, Case.class);
            Map<String, Object> answer = new LinkedHashMap<>();
            answer.put("id", test.id);
            answer.putAll(outcome(test, attempts.submit(() -> roundTrip(test, connect))));
            answers.println(JSON.toJson(answer));
        }
        System.exit(0);
    }

    private static String roundTrip(Case test, Connect connect) throws Exception {
        Client before = kept;
        kept = null;
        if (before != null && "kept".equals(test.client)) {
            try (before) {
                return again(before, test);
            }
        }
        if (before != null) {
            before.close();
        }
        Client client = connect.connect(test);
        try {
            String received = client.roundTrip(test);
            kept = "keep".equals(test.client) ? client : null;
            return received;
        } finally {
            if (kept == null) {
                client.close();
            }
        }
    }

    /** As an application does: what meets the lost connection fails, and the next request comes. */
    private static String again(Client client, Case test) throws Exception {
        long begun = System.nanoTime();
        for (int attempt = 1; ; attempt++) {
            try {
                return client.roundTrip(test);
            } catch (Exception lost) {
                if (attempt == ATTEMPTS || System.nanoTime() - begun > test.timeout() / 4 * 1_000_000L) {
                    throw lost;
                }
                Thread.sleep(PAUSE);
            }
        }
    }

    private static Map<String, String> outcome(Case test, Future<String> attempt) {
        try {
            String received = attempt.get(); // one that hangs is for the lab to see
            return test.value.equals(received)
                    ? Map.of("outcome", "worked", "received", received)
                    : failed(received, "GET returned another value than was SET");
        } catch (ExecutionException failure) {
            if (failure.getCause() instanceof Unsupported why) {
                return Map.of("outcome", "unsupported", "error", why.getMessage());
            }
            return failed(null, causes(failure.getCause()));
        } catch (InterruptedException never) {
            throw new IllegalStateException(never);
        }
    }

    private static Map<String, String> failed(String received, String error) {
        Map<String, String> answer = new LinkedHashMap<>();
        answer.put("outcome", "failed");
        answer.put("received", received);
        answer.put("error", error);
        return answer;
    }

    /** The error and what caused it, outermost first, with what was suppressed. */
    private static String causes(Throwable error) {
        StringBuilder text = new StringBuilder();
        Throwable cause = error;
        for (int depth = 0; cause != null && depth < 6; depth++) {
            text.append(depth == 0 ? "" : "; caused by ").append(cause);
            Throwable[] suppressed = cause.getSuppressed();
            cause = cause.getCause() == null && suppressed.length > 0 ? suppressed[0] : cause.getCause();
        }
        return text.toString();
    }
}
