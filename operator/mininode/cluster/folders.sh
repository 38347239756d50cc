# Makes the folders of a node's data on the machine that holds them, each with its owner and mode, and checks those that are
# there. Running it again is safe: it changes nothing inside a folder, and nothing of a folder that is as it should be.
#
# Arguments: the node's folder, whose it is ("NAMESPACE NODE"), then for each volume FOLDER:USER:MODE:BYTES.
# It must run as root: pods may not (Pod Security "restricted"), fsGroup does nothing for a folder of the machine, and one
# that the kubelet makes belongs to root.
set -eu

fail() {
    echo "folders: $*" >&2
    exit 1
}

[ "$(id -u)" -eq 0 ] || fail "only root can give folders their owners: pipe the script into sudo sh"
root=$1 whose=$2
shift 2
umask 022
[ ! -L "$root" ] || fail "$root is a link: give the folder itself"
mkdir -p "$root" || fail "$root can't be made"

# Two nodes that share one folder would run two database servers on the same files.
mark="$root/.mininode"
if [ -e "$mark" ]; then
    [ "$(cat "$mark")" = "$whose" ] ||
        fail "$root holds the data of another node, $(cat "$mark") (namespace, name): give this node another name or another folder"
else
    printf '%s\n' "$whose" >"$mark.new"
    mv "$mark.new" "$mark"
fi
chown 0:0 "$root"
chmod 0711 "$root"

wishes=
for one in "$@"; do
    folder=$root/${one%%:*} rest=${one#*:}
    user=${rest%%:*} rest=${rest#*:}
    mode=${rest%%:*} bytes=${rest#*:}
    [ ! -L "$folder" ] || fail "$folder is a link: a pod would see another folder than you do. Mount the disk there instead"
    if [ ! -d "$folder" ]; then
        [ ! -e "$folder" ] || fail "$folder is no folder: move it away"
        mkdir -m 0700 "$folder"
        echo "folders: $folder was made for user $user"
    fi
    empty=$([ -z "$(ls -A "$folder" | grep -vx lost+found)" ] && echo yes || echo no)
    owner=$(stat -c '%u:%g' "$folder")
    if [ "$owner" != "$user:$user" ]; then
        [ "$empty" = yes ] ||
            fail "$folder belongs to $owner and is not empty; its application runs as $user. If the data in it is this node's, say: chown -R $user:$user $folder"
        chown "$user:$user" "$folder"
    fi
    # A mode that somebody chose stays, unless it lets everybody write, or is that of a folder just made.
    if [ "$empty" = yes ] || [ $((0$(stat -c '%a' "$folder") & 2)) -ne 0 ]; then
        chmod "$mode" "$folder"
    fi
    if command -v selinuxenabled >/dev/null 2>&1 && selinuxenabled; then
        chcon -t container_file_t "$folder"
    fi
    if [ "$empty" = yes ]; then
        wishes="$wishes$(stat -c '%d' "$folder") $(df --output=avail -B1 "$folder" | tail -n 1) $bytes
"
    fi
done

printf '%s' "$wishes" | awk '
    { free[$1] = $2; wanted[$1] += $3 }
    END {
        for (disk in free) if (wanted[disk] > free[disk])
            printf "folders: note: %.0f GiB are free for volumes that may grow to %.0f GiB together\n", free[disk] / 2^30, wanted[disk] / 2^30
    }'
echo "folders: $root is ready for $whose"
