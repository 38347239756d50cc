// Asks for an address by https, as any application in Java would; prints the status, or why Java does not believe the server.

import java.net.HttpURLConnection;
import java.net.URI;

public class Ask {
    public static void main(String[] arguments) throws Exception {
        try {
            System.out.println(((HttpURLConnection) URI.create(arguments[0]).toURL().openConnection()).getResponseCode());
        } catch (javax.net.ssl.SSLHandshakeException error) {
            System.out.println(error.getMessage());
        }
    }
}
