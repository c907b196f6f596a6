# The actions of the client suite with Perl's Net::FTP, as scripts use it (library.ts has the protocol).
use strict;
use warnings;
use Net::FTP;

$| = 1;
my $block_bytes = 65536;

sub connect_to {
    my ($password) = @_;
    my $mode = $ENV{FTP_MODE};
    my @tls = $mode eq 'clear' ? () : (SSL_ca_file => $ENV{FTP_CA_FILE});
    push @tls, SSL => 1 if $mode eq 'implicit';
    my $ftp = Net::FTP->new($ENV{FTP_HOST}, Port => $ENV{FTP_PORT}, Passive => 1, Timeout => 50, Debug => 1, @tls)
        or die "connect: $@\n";
    if ($mode eq 'explicit') { $ftp->starttls() or fail($ftp) }
    $ftp->login($ENV{FTP_USER}, $password // $ENV{FTP_PASSWORD}) or fail($ftp);
    if ($mode eq 'implicit') { $ftp->prot('P') or fail($ftp) }
    $ftp->binary();
    return $ftp;
}

sub fail {
    my ($ftp) = @_;
    die $ftp->code . ' ' . $ftp->message;
}

# A list that has neither entries nor a good reply is a failure.
sub listed {
    my ($ftp, @lines) = @_;
    $ftp->ok or fail($ftp);
    return @lines;
}

sub after_abort {
    my ($ftp) = @_;
    $ftp->command('NOOP');
    for (1 .. 4) {
        $ftp->response();
        return defined $ftp->pwd || fail($ftp) if $ftp->code == 200;
    }
    die "NOOP was not answered after ABOR\n";
}

# Net::FTP sends ABOR past TLS, as urgent data on the bare socket.
sub give_up {
    my ($ftp, $data) = @_;
    if ($ENV{FTP_MODE} eq 'clear') { $data->abort() }
    else { $ftp->quot('ABOR'); $data->close() }
    after_abort($ftp);
}

sub read_file {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!\n";
    local $/;
    return scalar <$file> // '';
}

sub write_all {
    my ($data, $bytes) = @_;
    for (my $at = 0; $at < length $bytes; $at += $block_bytes) {
        my $block = substr $bytes, $at, $block_bytes;
        $data->write($block, length $block) or die "write: $!\n";
    }
}

my %actions = (
    'list-long'  => sub { my ($ftp, $dir) = @_; listed($ftp, $ftp->dir($dir)) },
    'list-names' => sub { my ($ftp, $path) = @_; map { ($_, '') } listed($ftp, $ftp->ls($path)) },
    'put' => sub { my ($ftp, $local, $remote) = @_; $ftp->put($local, $remote) or fail($ftp); () },
    'get' => sub { my ($ftp, $remote, $local) = @_; $ftp->get($remote, $local) or fail($ftp); () },
    'put-text' => sub {
        my ($ftp, $local, $remote) = @_;
        $ftp->ascii();
        $ftp->put($local, $remote) or fail($ftp);
        ();
    },
    'get-text' => sub {
        my ($ftp, $remote, $local) = @_;
        $ftp->ascii();
        $ftp->get($remote, $local) or fail($ftp);
        ();
    },
    'resume-get' => sub {
        my ($ftp, $remote, $local) = @_;
        $ftp->get($remote, $local, -s $local) or fail($ftp);
        ();
    },
    'resume-put' => sub {
        my ($ftp, $local, $remote) = @_;
        my $offset = $ftp->size($remote);
        $ftp->restart($offset);
        my $data = $ftp->stor($remote) or fail($ftp);
        write_all($data, substr read_file($local), $offset);
        $data->close() or fail($ftp);
        ();
    },
    'append' => sub { my ($ftp, $local, $remote) = @_; $ftp->append($local, $remote) or fail($ftp); () },
    'put-many' => sub {
        my ($ftp, $local, $remote, @names) = @_;
        for (@names) { $ftp->put("$local/$_", "$remote/$_") or fail($ftp) }
        ();
    },
    'get-many' => sub {
        my ($ftp, $remote, $local) = @_;
        for (listed($ftp, $ftp->ls("$remote/*.bin"))) {
            my ($name) = m{([^/]*)$};
            $ftp->get("$remote/$name", "$local/$name") or fail($ftp);
        }
        ();
    },
    'rename' => sub { my ($ftp, $from, $to) = @_; $ftp->rename($from, $to) or fail($ftp); () },
    'delete' => sub { my ($ftp, $path) = @_; $ftp->delete($path) or fail($ftp); () },
    'make-directory'   => sub { my ($ftp, $path) = @_; $ftp->mkdir($path) or fail($ftp); () },
    'remove-directory' => sub { my ($ftp, $path) = @_; $ftp->rmdir($path) or fail($ftp); () },
    'size'     => sub { my ($ftp, $path) = @_; $ftp->size($path) // fail($ftp) },
    'modified' => sub { my ($ftp, $path) = @_; $ftp->mdtm($path) // fail($ftp) },
    'abort-put' => sub {
        my ($ftp, $local, $remote) = @_;
        my $data = $ftp->stor($remote) or fail($ftp);
        write_all($data, read_file($local));
        answer('waiting');
        scalar <STDIN>;
        give_up($ftp, $data);
        ();
    },
    'abort-get' => sub {
        my ($ftp, $remote, $least_bytes) = @_;
        my $data = $ftp->retr($remote) or fail($ftp);
        my $received = 0;
        while ($received < $least_bytes) {
            $received += $data->read(my $block, $block_bytes) || die "the download ended\n";
        }
        give_up($ftp, $data);
        ();
    },
);

sub act {
    my ($action, @words) = @_;
    if ($action eq 'login') {
        my $ftp = connect_to(@words);
        defined $ftp->pwd or fail($ftp);
        $ftp->quit;
        return;
    }
    my $ftp    = connect_to();
    my @values = $actions{$action}->($ftp, @words);
    $ftp->quit;
    return @values;
}

sub answer {
    print join("\t", map { s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger } @_), "\n";
}

while (my $line = <STDIN>) {
    chomp $line;
    my @words = map { s/%(..)/chr hex $1/ger } split /\t/, $line;
    my @values = eval { act(@words) };
    if   ($@) { answer('error', $@) }
    else      { answer('ok', @values) }
}
