<?php
// Makes an account with an application password and prints both: PORT NAME ROLE.
// With "revoke" for the role: takes the application passwords of that account away.
[, $site_port, $account_name, $account_role] = $argv;
$_SERVER['HTTP_HOST'] = "127.0.0.1:$site_port";
$_SERVER['REQUEST_METHOD'] = 'GET';
require __DIR__ . '/wp-load.php';
if ($account_role === 'revoke') {
    WP_Application_Passwords::delete_all_application_passwords(get_user_by('login', $account_name)->ID);
    exit;
}
if (!username_exists($account_name)) {
    wp_insert_user(['user_login' => $account_name, 'user_pass' => bin2hex(random_bytes(16)), 'role' => $account_role,
        'user_email' => "$account_name@example.test", 'display_name' => ucfirst($account_name)]);
}
$user = get_user_by('login', $account_name);
$label = 'desk ' . bin2hex(random_bytes(6));
$password = WP_Application_Passwords::create_new_application_password($user->ID, ['name' => $label])[0];
update_option('permalink_structure', '/%postname%/');
echo json_encode(['url' => "http://127.0.0.1:$site_port", 'id' => $user->ID, 'name' => $account_name,
    'password' => $password, 'site' => __DIR__,
    'socket' => getenv('DATABASE_SOCKET')]), "\n";
