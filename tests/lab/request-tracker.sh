#!/bin/sh
# A Request Tracker of its own on loopback (Debian: request-tracker5 rt5-db-sqlite rt5-standalone), with one customer, and the
# shipped description tried against it. Not part of the tests: it wants 170 MB of packages.
#   sh tests/lab/request-tracker.sh
set -eu
lab=$(pwd)/target/lab/request-tracker
port=18090
rm -rf "$lab" && mkdir -p "$lab/site.d"
cat > "$lab/site.pm" <<PM
Set(\$rtname, 'hatif.test'); Set(\$Organization, 'hatif.test'); Set(\$WebPath, '');
Set(\$WebDomain, '127.0.0.1'); Set(\$WebPort, $port); Set(\$WebBaseURL, 'http://127.0.0.1:$port');
Set(\$DatabaseType, 'SQLite'); Set(\$DatabaseName, '$lab/rt.db');
Set(\$LogToSyslog, undef); Set(\$LogToSTDERR, 'warning'); Set(\$MailCommand, 'testfile'); Set(\$WebSecureCookies, 0);
1;
PM
export RT_SITE_CONFIG="$lab/site.pm" RT_SITE_CONFIG_DIR="$lab/site.d"
rt-setup-database-5 --action init --skip-create > "$lab/init.log" 2>&1
cat > "$lab/people.pl" <<'PL'
use lib '/usr/share/request-tracker5/lib'; use RT; RT::LoadConfig(); RT::Init();
my $field = RT::CustomField->new(RT->SystemUser);
$field->Create(Name => 'PhoneE164', Type => 'FreeformSingle', LookupType => 'RT::User');
$field->AddToObject(RT::User->new(RT->SystemUser));
for (['sara', "\x{633}\x{627}\x{631}\x{627} Ahmadi", '+982188201140'], ['other', 'Other', '+4930123456']) {
    my $user = RT::User->new(RT->SystemUser);
    $user->Create(Name => $_->[0], RealName => $_->[1], EmailAddress => "$_->[0]\@customer.example");
    $user->AddCustomFieldValue(Field => 'PhoneE164', Value => $_->[2]);
}
PL
perl "$lab/people.pl" 2>> "$lab/init.log"
/usr/share/request-tracker5/libexec/rt-server --host 127.0.0.1 --port $port > "$lab/server.log" 2>&1 &
server=$!
trap 'kill $server' EXIT
for _ in $(seq 1 30); do curl -s -o /dev/null "http://127.0.0.1:$port/" && break; sleep 1; done
cargo run -q -p hatif-connect --example attempt -- crates/connect/shipped/request-tracker.json +982188201140 loopback \
    "base=http://127.0.0.1:$port" user=root password=password
