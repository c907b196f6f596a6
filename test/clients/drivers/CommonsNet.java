// The actions of the client suite with Apache commons-net, as Java applications use it (library.ts has the
// protocol).

import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.*;
import java.util.*;
import java.util.stream.*;
import javax.net.ssl.*;
import org.apache.commons.net.PrintCommandListener;
import org.apache.commons.net.ftp.*;

public class CommonsNet {
    interface Action {
        List<String> run(FTPClient ftp, String... words) throws Exception;
    }

    static final BufferedReader requests =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    static final PrintStream answers = System.out;
    static final List<String> nothing = List.of();

    static String env(String name) {
        return System.getenv("FTP_" + name);
    }

    static FTPClient connect(String password) throws Exception {
        FTPClient ftp = env("MODE").equals("clear") ? new FTPClient() : overTls();
        ftp.setControlEncoding("UTF-8");
        ftp.setDataTimeout(Duration.ofSeconds(50));
        ftp.setDefaultTimeout(50_000);
        ftp.addProtocolCommandListener(new PrintCommandListener(new PrintWriter(System.err, true), true));
        ftp.connect(env("HOST"), Integer.parseInt(env("PORT")));
        must(ftp, FTPReply.isPositiveCompletion(ftp.getReplyCode()));
        must(ftp, ftp.login(env("USER"), password));
        if (ftp instanceof FTPSClient) {
            ((FTPSClient) ftp).execPBSZ(0);
            ((FTPSClient) ftp).execPROT("P");
        }
        ftp.enterLocalPassiveMode();
        must(ftp, ftp.setFileType(FTP.BINARY_FILE_TYPE));
        return ftp;
    }

    static FTPSClient overTls() throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream file = new FileInputStream(env("CA_FILE"))) {
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, factory.getTrustManagers(), null);
        return new FTPSClient(env("MODE").equals("implicit"), context);
    }

    static List<String> must(FTPClient ftp, boolean isDone) throws IOException {
        if (!isDone) throw new IOException(ftp.getReplyString().trim());
        return nothing;
    }

    static List<String> entries(FTPClient ftp, FTPFile[] files) throws IOException {
        must(ftp, FTPReply.isPositiveCompletion(ftp.getReplyCode()));
        return Stream.of(files)
                .filter(Objects::nonNull)
                .filter(file -> !Set.of(".", "..").contains(file.getName()))
                .flatMap(file -> Stream.of(file.getName(), file.isFile() ? "" + file.getSize() : ""))
                .collect(Collectors.toList());
    }

    static String[] names(FTPClient ftp, String path) throws IOException {
        String[] names = ftp.listNames(path);
        must(ftp, names != null);
        return names;
    }

    static List<String> put(FTPClient ftp, String local, String remote) throws IOException {
        try (InputStream file = new FileInputStream(local)) {
            return must(ftp, ftp.storeFile(remote, file));
        }
    }

    static List<String> get(FTPClient ftp, String remote, String local) throws IOException {
        try (OutputStream file = new FileOutputStream(local)) {
            return must(ftp, ftp.retrieveFile(remote, file));
        }
    }

    static List<String> text(FTPClient ftp) throws IOException {
        return must(ftp, ftp.setFileType(FTP.ASCII_FILE_TYPE));
    }

    static List<String> resumeGet(FTPClient ftp, String... w) throws IOException {
        ftp.setRestartOffset(new File(w[1]).length());
        try (OutputStream file = new FileOutputStream(w[1], true)) {
            return must(ftp, ftp.retrieveFile(w[0], file));
        }
    }

    static List<String> resumePut(FTPClient ftp, String... w) throws IOException {
        long offset = Long.parseLong(ftp.getSize(w[1]));
        ftp.setRestartOffset(offset);
        try (InputStream file = new FileInputStream(w[0])) {
            file.skip(offset);
            return must(ftp, ftp.storeFile(w[1], file));
        }
    }

    static List<String> append(FTPClient ftp, String... w) throws IOException {
        try (InputStream file = new FileInputStream(w[0])) {
            return must(ftp, ftp.appendFile(w[1], file));
        }
    }

    static List<String> putMany(FTPClient ftp, String... w) throws IOException {
        for (String name : List.of(w).subList(2, w.length)) put(ftp, w[0] + "/" + name, w[1] + "/" + name);
        return nothing;
    }

    static List<String> getMany(FTPClient ftp, String... w) throws IOException {
        for (String path : names(ftp, w[0] + "/*.bin")) {
            String name = path.substring(path.lastIndexOf('/') + 1);
            get(ftp, w[0] + "/" + name, w[1] + "/" + name);
        }
        return nothing;
    }

    static List<String> abortPut(FTPClient ftp, String... w) throws IOException {
        OutputStream data = ftp.storeFileStream(w[1]);
        must(ftp, data != null);
        data.write(Files.readAllBytes(Path.of(w[0])));
        data.flush();
        answer(List.of("waiting"));
        requests.readLine();
        ftp.abort();
        data.close();
        return afterAbort(ftp);
    }

    static List<String> abortGet(FTPClient ftp, String... w) throws IOException {
        InputStream data = ftp.retrieveFileStream(w[0]);
        must(ftp, data != null);
        data.readNBytes(Integer.parseInt(w[1]));
        ftp.abort();
        data.close();
        return afterAbort(ftp);
    }

    static List<String> afterAbort(FTPClient ftp) throws IOException {
        for (int code = ftp.noop(); code != 200; code = ftp.getReply()) {}
        return must(ftp, ftp.printWorkingDirectory() != null);
    }

    static final Map<String, Action> actions = new HashMap<>();

    static {
        actions.put("list-long", (ftp, w) -> entries(ftp, ftp.listFiles(w[0])));
        actions.put("list-facts", (ftp, w) -> entries(ftp, ftp.mlistDir(w[0])));
        actions.put("list-names", (ftp, w) ->
                Stream.of(names(ftp, w[0])).flatMap(name -> Stream.of(name, "")).collect(Collectors.toList()));
        actions.put("put", (ftp, w) -> put(ftp, w[0], w[1]));
        actions.put("get", (ftp, w) -> get(ftp, w[0], w[1]));
        actions.put("put-text", (ftp, w) -> { text(ftp); return put(ftp, w[0], w[1]); });
        actions.put("get-text", (ftp, w) -> { text(ftp); return get(ftp, w[0], w[1]); });
        actions.put("resume-get", CommonsNet::resumeGet);
        actions.put("resume-put", CommonsNet::resumePut);
        actions.put("append", CommonsNet::append);
        actions.put("put-many", CommonsNet::putMany);
        actions.put("get-many", CommonsNet::getMany);
        actions.put("rename", (ftp, w) -> must(ftp, ftp.rename(w[0], w[1])));
        actions.put("delete", (ftp, w) -> must(ftp, ftp.deleteFile(w[0])));
        actions.put("make-directory", (ftp, w) -> must(ftp, ftp.makeDirectory(w[0])));
        actions.put("remove-directory", (ftp, w) -> must(ftp, ftp.removeDirectory(w[0])));
        actions.put("size", (ftp, w) -> {
            String size = ftp.getSize(w[0]);
            must(ftp, size != null);
            return List.of(size);
        });
        actions.put("modified", (ftp, w) -> {
            Instant at = ftp.mdtmInstant(w[0]);
            must(ftp, at != null);
            return List.of("" + at.getEpochSecond());
        });
        actions.put("abort-put", CommonsNet::abortPut);
        actions.put("abort-get", CommonsNet::abortGet);
    }

    static List<String> act(String action, String... words) throws Exception {
        boolean isLogin = action.equals("login");
        FTPClient ftp = connect(isLogin ? words[0] : env("PASSWORD"));
        try {
            List<String> values =
                    isLogin ? must(ftp, ftp.printWorkingDirectory() != null) : actions.get(action).run(ftp, words);
            ftp.logout();
            return values;
        } finally {
            ftp.disconnect();
        }
    }

    static void answer(List<String> words) {
        answers.println(words.stream()
                .map(word -> URLEncoder.encode(word, StandardCharsets.UTF_8))
                .collect(Collectors.joining("\t")));
        answers.flush();
    }

    public static void main(String[] arguments) throws Exception {
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            String[] words = Stream.of(line.split("\t"))
                    .map(word -> URLDecoder.decode(word, StandardCharsets.UTF_8))
                    .toArray(String[]::new);
            List<String> answer = new ArrayList<>();
            try {
                answer.addAll(act(words[0], Arrays.copyOfRange(words, 1, words.length)));
                answer.add(0, "ok");
            } catch (Exception error) {
                answer = List.of("error", error.toString());
            }
            answer(answer);
        }
    }
}
